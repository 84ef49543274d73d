//! Windows-1252, by which browsers also mean ISO 8859-1, as the [Encoding Standard](https://encoding.spec.whatwg.org/)
//! has it.
//!
//! encoding_rs would bring its tables of all other encodings, which are a fiftieth of a function's archive. The tests
//! compare the two.

/// What the standard calls this encoding.
const LABELS: [&str; 17] = [
    "ansi_x3.4-1968",
    "ascii",
    "cp1252",
    "cp819",
    "csisolatin1",
    "ibm819",
    "iso-8859-1",
    "iso-ir-100",
    "iso8859-1",
    "iso88591",
    "iso_8859-1",
    "iso_8859-1:1987",
    "l1",
    "latin1",
    "us-ascii",
    "windows-1252",
    "x-cp1252",
];

/// The characters of the bytes from 0x80 to 0x9f. All others are those of Unicode.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Whether a charset of this name is meant.
pub fn is_label(name: &str) -> bool {
    LABELS.iter().any(|label| label.eq_ignore_ascii_case(name.trim_ascii()))
}

/// Every byte is a character.
pub fn decode(bytes: &[u8]) -> String {
    let high = |byte: u8| HIGH.get(usize::from(byte.wrapping_sub(0x80))).copied();
    bytes.iter().map(|&byte| high(byte).unwrap_or(char::from(byte))).collect()
}

/// `None` if a character is none of this encoding's.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let byte = |character: char| match HIGH.iter().position(|&high| high == character) {
        Some(place) => u8::try_from(0x80 + place).ok(),
        None => u8::try_from(character).ok().filter(|byte| !(0x80..=0x9f).contains(byte)),
    };
    text.chars().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, WINDOWS_1252};

    use super::*;

    #[test]
    fn every_byte_and_every_character_is_what_the_standard_says() {
        let all: Vec<u8> = (0..=255).collect();
        let text = decode(&all);
        assert_eq!(text, WINDOWS_1252.decode_without_bom_handling(&all).0);
        assert_eq!(encode(&text), Some(all));
        for character in '\0'..='\u{ffff}' {
            let text = character.to_string();
            let (bytes, _, unmappable) = WINDOWS_1252.encode(&text);
            assert_eq!(encode(&text), (!unmappable).then(|| bytes.into_owned()), "{character:?}");
        }
    }

    #[test]
    fn the_labels_are_the_standards() {
        for label in LABELS {
            assert_eq!(Encoding::for_label(label.as_bytes()), Some(WINDOWS_1252), "{label}");
            assert!(is_label(&format!(" {} ", label.to_uppercase())));
        }
        for other in ["utf-8", "iso-8859-15", "windows-1251", ""] {
            assert!(!is_label(other), "{other}");
        }
    }
}
