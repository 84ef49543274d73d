//! The texts of a portfolio: sectors, companies, share classes.

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::b3::windows_1252;

/// The longest known text has 49.
const MAX_CHARACTERS: usize = 200;

/// A text that B3 cannot have meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("is longer than {MAX_CHARACTERS} characters")]
    TooLong,
    /// Some program could not decode a character and put U+FFFD in its place.
    #[error("holds U+FFFD, which stands for a character that was lost")]
    Replaced,
    #[error("holds the control or invisible character U+{:04X}", u32::from(*.0))]
    Control(char),
    /// Some program decoded the bytes in the wrong encoding. `meant` is the text before that.
    #[error(
        "is UTF-8 that was read as Latin-1 or Windows-1252 and encoded again: it was {meant:?} once"
    )]
    EncodedTwice { meant: String },
}

impl TextError {
    /// Whether the characters are wrong, as opposed to too many.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::TooLong => false,
            Self::Replaced | Self::Control(_) | Self::EncodedTwice { .. } => true,
        }
    }
}

/// The text in Unicode's normal form C, so that a name has one spelling and a sector one partition.
pub(super) fn read(text: &str) -> Result<String, TextError> {
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        return Err(TextError::TooLong);
    }
    if is_plain(text) {
        return Ok(text.to_owned());
    }
    if text.contains('\u{fffd}') {
        return Err(TextError::Replaced);
    }
    if let Some(control) = text.chars().find(|character| is_invisible(*character)) {
        return Err(TextError::Control(control));
    }
    let composed = (!is_nfc(text)).then(|| text.nfc().collect::<String>());
    match encoded_twice(text).or_else(|| composed.as_deref().and_then(encoded_twice)) {
        Some(meant) => Err(TextError::EncodedTwice { meant }),
        None => Ok(composed.unwrap_or_else(|| text.to_owned())),
    }
}

/// As nearly all texts are: nothing that is looked for is made of these characters alone. Encoded twice, a character has
/// at least one of U+0080 to U+00BF, or what Windows-1252 has in their place.
fn is_plain(text: &str) -> bool {
    text.chars().all(|character| matches!(character, ' '..='~' | 'À'..='ÿ'))
}

/// Control and format characters, line and paragraph separators, private-use and unassigned code points.
fn is_invisible(character: char) -> bool {
    use GeneralCategory::{LineSeparator, ParagraphSeparator};
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.general_category_group() == GeneralCategoryGroup::Other
        || matches!(character.general_category(), LineSeparator | ParagraphSeparator)
}

/// The original of a text whose UTF-8 was decoded as Latin-1 or Windows-1252: all of it, or at least a Portuguese
/// letter in it. `None` if neither happened.
fn encoded_twice(text: &str) -> Option<String> {
    let whole = decoded(text).filter(|meant| {
        meant.nfc().any(|character| !character.is_ascii() && character.is_alphabetic())
    });
    whole.or_else(|| {
        let letter =
            |meant: &String| meant.chars().all(|character| ('À'..='ÿ').contains(&character));
        let runs = text.split(|character: char| character.is_ascii()).filter(|run| !run.is_empty());
        let meant = runs.filter_map(|run| Some((run, decoded(run).filter(letter)?))).next();
        meant.map(|(run, meant)| text.replace(run, &meant))
    })
}

/// Encodes a text as Latin-1 or Windows-1252 and decodes the bytes as UTF-8, if both succeed.
fn decoded(text: &str) -> Option<String> {
    let latin_1: Option<Vec<u8>> =
        text.chars().map(|character| u8::try_from(character).ok()).collect();
    let utf_8 = |bytes| String::from_utf8(bytes).ok();
    latin_1.and_then(utf_8).or_else(|| windows_1252::encode(text).and_then(utf_8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken_for_windows_1252(text: &str) -> String {
        windows_1252::decode(text.as_bytes())
    }

    fn taken_for_latin_1(text: &str) -> String {
        text.bytes().map(char::from).collect()
    }

    #[test]
    fn names_as_b3_writes_them_are_kept() {
        for name in [
            "Financ e Outros / Previd  Seguros",
            "Petróleo, Gás e Biocombustíveis",
            "Cons N Ciclico/Agropecuária",
            "Bens Indls / Máqs e Equips",
            "SÃO PAULO Nº 1",
            "AÇÃO À VISTA",
            "ON  ED  NM",
            "“CAFÉ”",
        ] {
            assert_eq!(read(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_decomposed_name_is_the_composed_one() {
        let decomposed: String = "Utilidade Públ / Água Saneamento".nfd().collect();
        assert_eq!(read(&decomposed).unwrap(), "Utilidade Públ / Água Saneamento");
    }

    #[test]
    fn what_was_lost_or_read_in_another_encoding_is_damage() {
        assert_eq!(read("M\u{fffd}qs"), Err(TextError::Replaced));
        assert_eq!(read("VA\u{0}LE"), Err(TextError::Control('\0')));
        for invisible in
            ['\u{85}', '\u{200b}', '\u{202e}', '\u{ad}', '\u{feff}', '\u{2028}', '\u{e000}']
        {
            let text = format!("VA{invisible}LE");
            assert_eq!(read(&text), Err(TextError::Control(invisible)));
        }
        for name in ["Máqs e Equips", "Água", "IMÓVEIS", "Construção – obras", "Ção"] {
            for damaged in [taken_for_windows_1252(name), taken_for_latin_1(name)] {
                let error = read(&damaged).unwrap_err();
                assert!(error.is_damage(), "{damaged}: {error}");
            }
            let twice = taken_for_windows_1252(&taken_for_windows_1252(name));
            assert!(read(&twice).unwrap_err().is_damage(), "{twice}");
        }
        let decomposed: String = "Mineração".nfd().collect();
        assert!(read(&taken_for_windows_1252(&decomposed)).unwrap_err().is_damage());
        let partly = format!("Petróleo / {}", taken_for_windows_1252("Gás"));
        let error = read(&partly).unwrap_err();
        assert!(error.to_string().contains("\"Petróleo / Gás\""), "{error}");
        let error = read(&taken_for_windows_1252("Gás")).unwrap_err();
        assert!(error.to_string().contains("\"Gás\""), "{error}");
    }

    #[test]
    fn long_texts_are_refused_by_their_characters() {
        assert!(read(&"é".repeat(MAX_CHARACTERS)).is_ok());
        assert_eq!(read(&"é".repeat(MAX_CHARACTERS + 1)), Err(TextError::TooLong));
    }

    proptest! {
        #[test]
        fn letters_of_portuguese_survive_and_their_double_encoding_does_not(
            name in "[A-Za-z ]{0,10}[áéíóúâêôãõçÁÉÍÓÚÂÊÔÃÕÇ][A-Za-z ]{1,10}"
        ) {
            prop_assert_eq!(read(&name), Ok(name.clone()));
            prop_assert!(read(&taken_for_windows_1252(&name)).is_err());
            prop_assert!(read(&taken_for_latin_1(&name)).is_err());
        }

        #[test]
        fn what_is_read_once_is_read_again_as_it_is(text in "\\PC{0,40}") {
            if let Ok(text) = read(&text) {
                prop_assert_eq!(read(&text), Ok(text.clone()));
            }
        }
    }
}
