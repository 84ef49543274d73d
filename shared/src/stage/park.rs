//! Parking: a message that failed for good goes to its stage's dead-letter queue, with the cause.

use std::future::Future;

use aws_sdk_sqs::types::MessageAttributeValue;
use chrono::Utc;

use super::{Failure, Message};
use crate::aws::CallError;

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
    /// Longer texts are cut: they are for people, and a message has a limit.
    const MAX_TEXT_CHARACTERS: usize = 1_000;

    pub(super) fn new(stage: &str, message: &Message, failure: &Failure, request_id: &str) -> Self {
        let attributes = [
            ("stage", stage),
            ("kind", failure.code),
            ("class", failure.kind.name()),
            ("error", &failure.error),
            ("object", failure.object.as_deref().unwrap_or_default()),
            ("request_id", request_id),
            ("message_id", &message.id),
            ("attempts", &message.receive_count.to_string()),
            ("parked_at", &Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name, attribute_text(value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
        Self { body: message.body.clone(), attributes }
    }
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

/// The message could not be parked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ParkingError(#[from] CallError);

/// A dead-letter queue.
pub trait DeadLetters: Send + Sync {
    /// Puts a message there; once this is `Ok` the message is durable.
    fn park(&self, parked: &Parked) -> impl Future<Output = Result<(), ParkingError>> + Send;
}

/// A dead-letter queue of SQS.
#[derive(Clone, Debug)]
pub struct SqsDeadLetters {
    client: aws_sdk_sqs::Client,
    queue_url: String,
}

impl SqsDeadLetters {
    /// The queue at `queue_url`.
    #[must_use]
    pub fn new(client: aws_sdk_sqs::Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }
}

impl DeadLetters for SqsDeadLetters {
    async fn park(&self, parked: &Parked) -> Result<(), ParkingError> {
        let mut request =
            self.client.send_message().queue_url(&self.queue_url).message_body(&parked.body);
        for (name, value) in &parked.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            let value =
                value.build().map_err(|error| CallError::not_sent("SendMessage", &error))?;
            request = request.message_attributes(*name, value);
        }
        request
            .send()
            .await
            .map_err(|error| CallError::from_sdk("SendMessage", &self.queue_url, &error))?;
        Ok(())
    }
}
