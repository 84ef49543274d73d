//! A stage's queue and its dead-letter queue.

mod message;
mod parked;

use std::{sync::OnceLock, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_sqs::{Client, types::MessageAttributeValue};

pub use message::{Message, UnidentifiedRecord};
pub use parked::Parked;

use crate::{
    aws::{CallError, Cause},
    failpoint,
};

#[expect(async_fn_in_trait, reason = "nothing is spawned")]
pub trait Queues {
    /// Puts a message on the dead-letter queue, durably.
    async fn park(&self, parked: &Parked) -> Result<(), CallError>;

    /// Makes SQS redeliver a failed message after `delay`.
    async fn postpone(&self, message: &Message, delay: Duration) -> Result<(), CallError>;
}

/// Two SQS queues.
#[derive(Clone, Debug)]
pub struct SqsQueues {
    sdk: SdkConfig,
    /// Made at the first failure, since most invocations have none.
    client: OnceLock<Client>,
    queue_url: String,
    dead_letter_queue_url: String,
}

impl SqsQueues {
    pub fn new(sdk: &SdkConfig, queue_url: String, dead_letter_queue_url: String) -> Self {
        Self { sdk: sdk.clone(), client: OnceLock::new(), queue_url, dead_letter_queue_url }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.sdk))
    }
}

impl Queues for SqsQueues {
    async fn park(&self, parked: &Parked) -> Result<(), CallError> {
        let url = &self.dead_letter_queue_url;
        let mut request = self.client().send_message().queue_url(url).message_body(&parked.body);
        for (name, value) in &parked.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            let value = value
                .build()
                .map_err(|error| CallError::new("SendMessage", url, Cause::Invalid, error))?;
            request = request.message_attributes(*name, value);
        }
        let sent = failpoint::around("park", request.send()).await;
        sent.map_err(|error| CallError::from_sdk("SendMessage", url, error))?;
        Ok(())
    }

    async fn postpone(&self, message: &Message, delay: Duration) -> Result<(), CallError> {
        let request = self
            .client()
            .change_message_visibility()
            .queue_url(&self.queue_url)
            .receipt_handle(&message.receipt_handle)
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        let changed = failpoint::around("postpone", request.send()).await;
        changed.map_err(|error| {
            CallError::from_sdk("ChangeMessageVisibility", &self.queue_url, error)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_client_of_sqs_before_something_fails() {
        let queues = SqsQueues::new(&SdkConfig::builder().build(), "q".into(), "dlq".into());
        assert!(queues.client.get().is_none());
    }
}
