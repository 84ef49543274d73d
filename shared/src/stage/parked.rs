//! Parking: a message that failed for good goes to its stage's dead-letter queue, with the cause.

use chrono::Utc;

use super::{Failure, Message};

/// A message on its way to the dead-letter queue.
///
/// The body is the original one, so that redriving it to its queue replays it. The attributes are for
/// people; a redrive may drop them, and nothing reads them but `ibov parked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The original body.
    pub body: String,
    /// Names and texts, at most ten.
    pub attributes: Vec<(&'static str, String)>,
}

impl Parked {
    /// Longer texts are cut: they are for people.
    const MAX_TEXT_CHARACTERS: usize = 1_000;

    /// What SQS takes as one message, attributes included.
    const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

    /// Parks the `body` of a message with what is known of its failure.
    #[must_use]
    pub fn new(stage: &str, message: &Message, failure: &Failure, request_id: &str) -> Self {
        let attempts = message.receive_count.to_string();
        let parked_at = Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        // The most useful first: where the body leaves no room for all, the last ones are left out.
        let attributes = [
            ("stage", stage),
            ("kind", failure.code),
            ("class", failure.kind.name()),
            ("object", failure.object.as_deref().unwrap_or_default()),
            ("attempts", &attempts),
            ("parked_at", &parked_at),
            ("error", &failure.error),
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

/// The attributes that fit, the first one that does not cut to size. SQS counts name, type and value.
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

/// SQS takes the characters that XML allows, and refuses the whole message for any other.
fn attribute_text(value: &str) -> String {
    let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    value
        .chars()
        .take(Parked::MAX_TEXT_CHARACTERS)
        .map(|character| if allowed(character) { character } else { '\u{fffd}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Kind;

    fn parked(body: String, error: String) -> Parked {
        let message = Message {
            id: "1".to_owned(),
            body,
            receive_count: 1,
            sent_at: None,
            receipt_handle: String::new(),
        };
        let failure =
            Failure { kind: Kind::Refused, code: "x", error, object: None, retry_after: None };
        Parked::new("fetcher", &message, &failure, "")
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
