//! A message for the dead-letter queue.

use chrono::Utc;

use super::Message;
use crate::failure::{Failure, readable};

/// Keeps the original body, so that a redrive replays the message. The attributes are for people: a redrive may drop
/// them, and `ibov` is the only program that reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub body: String,
    /// At most ten, the limit of SQS.
    pub attributes: Vec<(&'static str, String)>,
}

impl Parked {
    /// SQS's limit of a message including attributes.
    const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

    pub fn new(
        stage: &str,
        message: &Message,
        failure: &Failure,
        error: &str,
        request_id: &str,
    ) -> Self {
        let attempts = message.receive_count.to_string();
        let parked_at = Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        // Most useful first: beside a large body, the last ones may not fit.
        let attributes = [
            ("stage", stage),
            ("code", failure.code.name()),
            ("class", failure.class.name()),
            ("object", failure.object.as_deref().unwrap_or_default()),
            ("attempts", &attempts),
            ("parked_at", &parked_at),
            ("error", error),
            ("request_id", request_id),
            ("message_id", &message.id),
        ]
        .into_iter()
        .map(|(name, value)| (name, attribute_text(value)))
        .filter(|(_, value)| !value.is_empty());
        let room = Self::MAX_MESSAGE_BYTES.saturating_sub(message.body.len());
        Self { body: message.body.clone(), attributes: fitting(attributes, room) }
    }
}

/// The attributes that fit into `room`; the first that does not is cut, and the rest are dropped. SQS counts name, type
/// and value.
fn fitting(
    attributes: impl Iterator<Item = (&'static str, String)>,
    mut room: usize,
) -> Vec<(&'static str, String)> {
    const TYPE: usize = "String".len();
    let mut kept = Vec::new();
    for (name, mut value) in attributes {
        let left = room.saturating_sub(name.len() + TYPE);
        value.truncate(value.floor_char_boundary(left));
        if value.is_empty() {
            break;
        }
        room = left - value.len();
        kept.push((name, value));
    }
    kept
}

/// Replaces characters that XML does not allow: SQS would refuse the whole message.
fn attribute_text(value: &str) -> String {
    let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    readable(value)
        .chars()
        .map(|character| if allowed(character) { character } else { '\u{fffd}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    fn parked(body: String, error: String) -> Parked {
        let message =
            Message { id: "1".to_owned(), body, receive_count: 1, receipt_handle: String::new() };
        Parked::new("fetch", &message, &Failure::permanent(Code::UnknownEvent), &error, "")
    }

    fn attribute<'a>(parked: &'a Parked, name: &str) -> Option<&'a str> {
        let found = parked.attributes.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_parked_body_is_the_original_one_to_the_byte() {
        let body = " {\"Records\": [\"date%3D2026-11-19\"],\t\"A\": \"á\"}\r\n";
        assert_eq!(parked(body.to_owned(), String::new()).body, body);
    }

    #[test]
    fn attributes_hold_only_what_sqs_takes() {
        let parked = parked("b".to_owned(), format!("a\u{0}b{}", "é".repeat(5_000)));
        let error = attribute(&parked, "error").unwrap();
        assert!(error.starts_with("a\u{fffd}bé"));
        assert_eq!(error.chars().count(), 1_000);
        assert_eq!(attribute(&parked, "object"), None, "SQS refuses empty values");
        assert!(parked.attributes.len() <= 10, "SQS takes ten attributes");
    }

    #[test]
    fn a_large_body_is_parked_whole_and_its_attributes_are_cut() {
        let size = |parked: &Parked| -> usize {
            let of = |(name, value): &(&str, String)| name.len() + value.len() + "String".len();
            parked.body.len() + parked.attributes.iter().map(of).sum::<usize>()
        };
        for free in [0, 1, 50, 100, 150, 400, 10_000] {
            let body = "b".repeat(Parked::MAX_MESSAGE_BYTES - free);
            let parked = parked(body.clone(), "é".repeat(1_000));
            assert_eq!(parked.body, body);
            assert!(size(&parked) <= Parked::MAX_MESSAGE_BYTES, "{free} bytes free");
            assert_eq!(attribute(&parked, "stage").is_some(), free >= 50, "{free} bytes free");
        }
    }
}
