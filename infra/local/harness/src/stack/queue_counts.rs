//! How many messages a queue holds, as SQS counts them: approximately, and correct once nothing has changed for a minute.

use std::time::Duration;

use anyhow::Result;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Serialize;

use crate::aws::{Clients, explain};

/// A queue's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct QueueCounts {
    /// Those that the next reader gets.
    pub visible: usize,
    /// Those that somebody has received, and neither deleted nor given back.
    pub in_flight: usize,
    /// Those that were sent with a delay.
    pub delayed: usize,
    /// How long a received message stays hidden, unless its reader asked for another time.
    #[serde(skip)]
    pub visibility_timeout: Duration,
}

impl QueueCounts {
    pub(super) async fn read(clients: &Clients, url: &str) -> Result<Self> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::VisibilityTimeout,
        ];
        let request = clients.sqs.get_queue_attributes().queue_url(url);
        let answer = request.set_attribute_names(Some(names.to_vec())).send().await;
        let answer = answer.map_err(explain)?;
        let number = |name: QueueAttributeName| {
            let value = answer.attributes().and_then(|all| all.get(&name));
            value.and_then(|value| value.parse::<usize>().ok()).unwrap_or_default()
        };
        let [visible, in_flight, delayed, seconds] = names.map(number);
        let visibility_timeout = Duration::from_secs(seconds.try_into().unwrap_or_default());
        Ok(Self { visible, in_flight, delayed, visibility_timeout })
    }

    pub fn total(&self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}
