//! A message of a stage's queue.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// A redrive changes the id.
    pub id: String,
    pub body: String,
    /// Number of deliveries including this one; 1 if unknown.
    pub receive_count: u32,
    /// Identifies this delivery, for changing its visibility timeout.
    pub receipt_handle: String,
}

/// A record without a message id cannot be reported as failed by itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the batch has no messageId, so the whole batch has to come again")]
pub struct UnidentifiedRecord;

impl Message {
    pub fn of_batch(event: SqsEvent) -> Result<Vec<Self>, UnidentifiedRecord> {
        event.records.into_iter().map(Self::try_from).collect()
    }
}

impl TryFrom<SqsMessage> for Message {
    type Error = UnidentifiedRecord;

    fn try_from(record: SqsMessage) -> Result<Self, UnidentifiedRecord> {
        let id = record.message_id.filter(|id| !id.is_empty()).ok_or(UnidentifiedRecord)?;
        let receive_count = record.attributes.get("ApproximateReceiveCount");
        let receive_count = receive_count.and_then(|count| count.parse().ok()).unwrap_or(1);
        let body = record.body.unwrap_or_default();
        let receipt_handle = record.receipt_handle.unwrap_or_default();
        Ok(Self { id, body, receive_count, receipt_handle })
    }
}
