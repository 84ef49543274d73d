//! A message as a handler sees it.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use chrono::{DateTime, Utc};

/// One message of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SQS's id of it. A redrive gives it a new one.
    pub id: String,
    /// Untouched.
    pub body: String,
    /// How often it was received, this time included. 1 where SQS does not say.
    pub receive_count: u32,
    /// When it was sent to this queue, which a redrive does again. `None` where SQS does not say.
    pub sent_at: Option<DateTime<Utc>>,
    /// Names this receipt of it, for changing when it comes again.
    pub receipt_handle: String,
}

/// A record without a message id cannot be answered for by itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the batch has no messageId, so the whole batch has to come again")]
pub struct UnidentifiedRecord;

impl Message {
    /// The messages of a batch.
    ///
    /// # Errors
    /// If one of them has no message id.
    pub fn of_batch(event: SqsEvent) -> Result<Vec<Self>, UnidentifiedRecord> {
        event.records.into_iter().map(Self::try_from).collect()
    }
}

impl TryFrom<SqsMessage> for Message {
    type Error = UnidentifiedRecord;

    fn try_from(record: SqsMessage) -> Result<Self, UnidentifiedRecord> {
        let id = record.message_id.filter(|id| !id.is_empty()).ok_or(UnidentifiedRecord)?;
        let said = |name| record.attributes.get(name).map(String::as_str);
        let receive_count = said("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        let sent_ms = said("SentTimestamp").and_then(|milliseconds| milliseconds.parse().ok());
        let body = record.body.unwrap_or_default();
        let receipt_handle = record.receipt_handle.unwrap_or_default();
        Ok(Self {
            id,
            body,
            receive_count: receive_count.unwrap_or(1),
            sent_at: sent_ms.and_then(DateTime::from_timestamp_millis),
            receipt_handle,
        })
    }
}
