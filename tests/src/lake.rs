//! How the lake's folders are named.

use chrono::NaiveDate;

/// The folder of one date and sector. Hive escapes these characters, and nothing beyond ASCII.
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

/// The folder of a key, with the slash at its end.
pub fn folder_of(key: &str) -> String {
    key.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"))
}
