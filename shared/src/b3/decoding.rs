//! The text of a file that people have kept.

use encoding_rs::{Encoding, WINDOWS_1252};

/// Decodes a file: UTF-8, or UTF-16 with a byte order mark, or else ISO 8859-1, read as Windows-1252 as browsers do.
/// Text in another encoding is hardly ever valid UTF-8 by chance. A byte order mark is no part of the text.
pub fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => match text.strip_prefix('\u{feff}') {
            Some(unmarked) => unmarked.to_owned(),
            None => text,
        },
        Err(error) => {
            let bytes = error.as_bytes();
            let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
            marked.unwrap_or(WINDOWS_1252).decode(bytes).0.into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            "{\"é\": 1}".into(),
            "\u{feff}{\"é\": 1}".into(),
            utf_16("\u{feff}{\"é\": 1}"),
            b"{\"\xe9\": 1}".to_vec(),
        ] {
            assert_eq!(decode(bytes), "{\"é\": 1}");
        }
    }
}
