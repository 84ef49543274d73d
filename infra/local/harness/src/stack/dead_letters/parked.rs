//! A message in a dead-letter queue, and groups of such messages.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{failure::Failure, stack::Stage};

/// Stands for the code of a message without one.
pub const NO_CODE: &str = "none";
/// The attribute in which EventBridge and its schedules give the reason of what they could not deliver.
const DELIVERY_CODE: &str = "ERROR_CODE";

/// A message in a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The stage that the queue belongs to.
    pub stage: Stage,
    /// Its id in the dead-letter queue. The attribute `message_id` is that of the message that failed.
    pub id: String,
    /// The message that failed, untouched.
    pub body: String,
    /// What the stage noted about the failure. Messages that SQS moved have no attributes, those of EventBridge have
    /// EventBridge's, and very large ones have few or none.
    pub attributes: BTreeMap<String, String>,
    /// When it was sent: to the dead-letter queue, or to the stage's queue if SQS moved it.
    pub sent_at: Option<DateTime<Utc>>,
}

impl Parked {
    pub(super) fn new(stage: Stage, message: &Message) -> Self {
        let attributes = message.message_attributes().into_iter().flatten();
        let sent = message
            .attributes()
            .and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp))
            .and_then(|millis| DateTime::from_timestamp_millis(millis.parse().ok()?));
        Self {
            stage,
            id: message.message_id().unwrap_or_default().to_owned(),
            body: message.body().unwrap_or_default().to_owned(),
            attributes: attributes
                .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
                .collect(),
            sent_at: sent,
        }
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The name of its sort of failure: the stage's code, EventBridge's, or [`NO_CODE`].
    pub fn code(&self) -> &str {
        self.attribute("code").or_else(|| self.attribute(DELIVERY_CODE)).unwrap_or(NO_CODE)
    }

    /// When it was parked, as far as anything says so.
    pub fn parked_at(&self) -> Option<DateTime<Utc>> {
        let noted = self.attribute("parked_at").and_then(|time| time.parse().ok());
        noted.or(self.sent_at)
    }

    /// Whether `id` is its own id or that of the message that failed.
    pub fn is_message(&self, id: &str) -> bool {
        self.id == id || self.attribute("message_id") == Some(id)
    }

    /// Why it failed, as a sentence.
    pub fn cause(&self) -> &str {
        self.attribute("error").unwrap_or("it has no cause on it: the function was killed or never came to an answer and SQS moved it, or a schedule or the rule could not deliver it, or its body left no room for the cause; the function's log may know more")
    }

    /// The failure of the stage's function.
    pub fn failure(&self) -> Failure {
        let text = |name| self.attribute(name).map(str::to_owned);
        Failure {
            object: text("object").or_else(|| Some(self.body.clone())),
            code: text("code"),
            request_id: text("request_id"),
            attempts: self.attribute("attempts").and_then(|number| number.parse().ok()),
            parked_at: text("parked_at"),
            ..Failure::new(
                text("stage").unwrap_or_else(|| self.stage.name().to_owned()),
                self.cause(),
            )
        }
    }
}

/// The messages of a stage that failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    pub stage: String,
    pub code: String,
    pub count: usize,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    /// The cause of the newest.
    pub cause: String,
}

impl Group {
    /// Groups messages by stage and code, in the order of the chain.
    pub fn of(messages: &[Parked]) -> Vec<Self> {
        let mut groups: BTreeMap<(Stage, &str), Vec<&Parked>> = BTreeMap::new();
        for message in messages {
            groups.entry((message.stage, message.code())).or_default().push(message);
        }
        let group = |((stage, code), messages): ((Stage, &str), Vec<&Parked>)| {
            let times = messages.iter().filter_map(|message| message.parked_at());
            let newest = messages.iter().max_by_key(|message| message.parked_at());
            Self {
                stage: stage.name().to_owned(),
                code: code.to_owned(),
                count: messages.len(),
                first: times.clone().min(),
                last: times.max(),
                cause: newest.map(|message| message.cause()).unwrap_or_default().to_owned(),
            }
        };
        groups.into_iter().map(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(stage: Stage, attributes: &[(&str, &str)]) -> Parked {
        let attributes =
            attributes.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Parked {
            stage,
            id: "sqs-1".into(),
            body: "{}".into(),
            attributes: attributes.collect(),
            sent_at: None,
        }
    }

    #[test]
    fn a_parked_message_tells_where_and_why() {
        let attributes = [
            ("stage", "fetch"),
            ("code", "totals"),
            ("error", "rows add up to 1"),
            ("request_id", "r-1"),
            ("attempts", "3"),
        ];
        let failure = parked(Stage::Fetch, &attributes).failure();
        assert_eq!((failure.stage.as_str(), failure.cause.as_str()), ("fetch", "rows add up to 1"));
        assert_eq!(failure.object.as_deref(), Some("{}"));
        assert_eq!(failure.request_id.as_deref(), Some("r-1"));
        assert_eq!(failure.attempts, Some(3));
    }

    #[test]
    fn a_message_that_sqs_moved_points_to_the_log() {
        let parked = parked(Stage::Glue, &[]);
        assert_eq!((parked.failure().stage.as_str(), parked.code()), ("glue", NO_CODE));
        assert!(parked.cause().contains("log"));
    }

    #[test]
    fn a_message_is_found_by_either_of_its_ids() {
        let parked = parked(Stage::Fetch, &[("message_id", "m-1")]);
        assert!(parked.is_message("sqs-1") && parked.is_message("m-1"));
        assert!(!parked.is_message("") && !parked.is_message("m"));
    }

    #[test]
    fn what_failed_alike_is_one_group_with_its_first_and_last_time() {
        let at = |time| [("code", "b3-html"), ("parked_at", time), ("error", time)];
        let (first, last) = ("2026-11-25T10:00:00Z", "2026-11-25T12:00:00Z");
        let groups = Group::of(&[
            parked(Stage::Glue, &[("ERROR_CODE", "NO_PERMISSIONS")]),
            parked(Stage::Fetch, &at(last)),
            parked(Stage::Fetch, &at(first)),
            parked(Stage::Fetch, &[("code", "unknown-event")]),
        ]);
        let named: Vec<_> =
            groups.iter().map(|g| (g.stage.as_str(), g.code.as_str(), g.count)).collect();
        assert_eq!(
            named,
            [("fetch", "b3-html", 2), ("fetch", "unknown-event", 1), ("glue", "NO_PERMISSIONS", 1)]
        );
        let html = groups.first().unwrap();
        assert_eq!((html.first, html.last), (first.parse().ok(), last.parse().ok()));
        assert_eq!(html.cause, last, "that of the newest");
    }
}
