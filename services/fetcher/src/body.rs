//! Decodes the body of an answer.

use std::fmt;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use shared::b3::{beginning, windows_1252};

use crate::content_encoding::{ContentEncoding, TooLong};

/// The headers about an answer's body that still have to be heeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// From Content-Type.
    charset: Option<String>,
    content_encoding: Option<String>,
}

impl Declared {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        const MAX_CHARACTERS: usize = 40;
        let value = |name| headers.get(name)?.to_str().ok();
        let short = |text: &str| text.chars().take(MAX_CHARACTERS).collect();
        let charset = value(CONTENT_TYPE).and_then(|content_type| {
            let parameters =
                content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
            let mut charsets =
                parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
            charsets.next().map(|(_, charset)| charset.trim().trim_matches('"'))
        });
        Self { charset: charset.map(short), content_encoding: value(CONTENT_ENCODING).map(short) }
    }

    /// The body without its encoding. Where that is unknown, or another than is declared, both stay as they are: some
    /// servers declare one for plain text.
    pub(crate) fn decoded(&mut self, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, TooLong> {
        let declared = self.content_encoding.as_deref().unwrap_or_default();
        let Ok(encoding) = declared.parse::<ContentEncoding>() else { return Ok(body) };
        let Some(decoded) = encoding.decode(&body, limit)? else { return Ok(body) };
        self.content_encoding = None;
        Ok(decoded)
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let charset = self.charset.as_ref().map(|charset| format!("charset {charset}"));
        let encoding =
            self.content_encoding.as_ref().map(|encoding| format!("Content-Encoding {encoding}"));
        let headers: Vec<_> = charset.into_iter().chain(encoding).collect();
        match headers.is_empty() {
            true => Ok(()),
            false => write!(formatter, " (the answer says {})", headers.join(", ")),
        }
    }
}

/// A body in an unknown encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not UTF-8{declared}; it begins {beginning}")]
pub struct NotText {
    declared: Declared,
    beginning: String,
    /// The body as ISO 8859-1: a character from U+0000 to U+00FF for each byte.
    pub(crate) characters: String,
}

/// Decodes a body as UTF-8, whatever the headers declare, since text in another encoding is hardly ever valid UTF-8 by
/// chance. Otherwise as ISO 8859-1 or Windows-1252, if declared; both are decoded as Windows-1252, as browsers do.
pub(crate) fn text(bytes: Vec<u8>, declared: &Declared) -> Result<String, NotText> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    if declared.charset.as_deref().is_some_and(windows_1252::is_label) {
        return Ok(windows_1252::decode(error.as_bytes()));
    }
    Err(NotText {
        declared: declared.clone(),
        beginning: shown(error.as_bytes()),
        characters: error.as_bytes().iter().copied().map(char::from).collect(),
    })
}

/// The beginning of a body, as text or, for binary data, as hexadecimal bytes.
fn shown(bytes: &[u8]) -> String {
    const BYTES: usize = 16;
    let text = beginning(&String::from_utf8_lossy(bytes));
    let binary = |letter: char| letter.is_control() && !letter.is_whitespace();
    if !text.contains(binary) {
        return format!("{text:?}");
    }
    let hex: Vec<_> = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("with the bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(content_type: &str) -> Declared {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Declared::of(&headers)
    }

    #[test]
    fn latin_1_is_read_where_it_is_declared() {
        let latin_1 = b"{\"x\": \"\xc1gua\"}".to_vec();
        for content_type in [
            "application/json; charset=ISO-8859-1",
            "application/json;charset=\"latin1\"",
            "text/plain; boundary=x; Charset=windows-1252",
        ] {
            let text = text(latin_1.clone(), &declared(content_type)).unwrap();
            assert_eq!(text, "{\"x\": \"Água\"}", "{content_type}");
        }
        let euro = text(b"\x80".to_vec(), &declared("text/plain; charset=cp1252")).unwrap();
        assert_eq!(euro, "€");
    }

    #[test]
    fn utf_8_is_read_whatever_is_declared() {
        for content_type in ["application/json", "application/json; charset=ISO-8859-1"] {
            let text = text("Água".as_bytes().to_vec(), &declared(content_type)).unwrap();
            assert_eq!(text, "Água", "{content_type}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_with_what_was_declared() {
        let latin_1 = b"{\"x\": \"\xc1gua\"}".to_vec();
        let error = text(latin_1.clone(), &declared("application/json")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the body is not UTF-8; it begins \"{\\\"x\\\": \\\"\u{fffd}gua\\\"}\""
        );
        assert_eq!(error.characters, "{\"x\": \"Água\"}");
        let error = text(latin_1, &declared("application/json; charset=utf-16le")).unwrap_err();
        assert!(error.to_string().contains("(the answer says charset utf-16le)"), "{error}");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "compress".parse().unwrap());
        let error = text(vec![0x1f, 0x9d], &Declared::of(&headers)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the body is not UTF-8 (the answer says Content-Encoding compress); it begins with the bytes 1f 9d"
        );
    }
}
