//! Names of the lake's folders.

use chrono::NaiveDate;

/// The folder of one date and sector. Hive escapes these characters, and none beyond ASCII.
pub fn refined_folder(date: NaiveDate, sector: &str) -> String {
    let mut escaped = String::new();
    for character in sector.chars() {
        match character {
            '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '[' | ']' | '^' => {
                escaped.push_str(&format!("%{:02X}", u32::from(character)));
            }
            other => escaped.push(other),
        }
    }
    format!("refined/Data={date}/Setor={escaped}/")
}

/// The folder of a key, with a final slash.
pub fn folder_of(key: &str) -> String {
    key.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"))
}
