//! Dead-letter queues: reading what is parked in them, and sending it back.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use aws_sdk_sqs::types::{Message, QueueAttributeName};

use crate::{
    aws::explain,
    failure::Failure,
    stack::{Stack, Stage},
};

/// How long a message stays hidden while the rest of the queue is read.
const PEEK_SECONDS: i32 = 30;
const BATCH: i32 = 10;
/// Any wait makes SQS ask all of its servers. Without one, a queue with messages in it may look empty.
const LONG_POLL_SECONDS: i32 = 1;
const POLL: Duration = Duration::from_millis(300);

/// A message in a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The stage that the queue belongs to.
    pub stage: Stage,
    /// The message that failed, untouched.
    pub body: String,
    /// What the stage noted about the failure. Messages that SQS moved have no attributes, those of EventBridge have
    /// EventBridge's, and very large ones have few or none.
    pub attributes: BTreeMap<String, String>,
}

impl Parked {
    fn new(stage: Stage, message: &Message) -> Self {
        let attributes = message.message_attributes().into_iter().flatten();
        Self {
            stage,
            body: message.body().unwrap_or_default().to_owned(),
            attributes: attributes
                .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
                .collect(),
        }
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
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

/// About how many messages lie in a dead-letter queue.
pub async fn depth(stack: &Stack, stage: Stage) -> Result<usize> {
    let count = stack.message_count(stack.dlq_url(stage)?).await;
    count.with_context(|| format!("cannot look at the {stage} dead-letter queue"))
}

/// About how many messages lie in all dead-letter queues.
pub async fn total_depth(stack: &Stack) -> Result<usize> {
    let mut total = 0;
    for stage in Stage::ALL {
        total += depth(stack, stage).await?;
    }
    Ok(total)
}

/// Reads the messages of a dead-letter queue and leaves them there.
pub async fn peek(stack: &Stack, stage: Stage) -> Result<Vec<Parked>> {
    let url = stack.dlq_url(stage)?;
    let (mut parked, mut seen, mut receipts) = (Vec::new(), HashSet::new(), Vec::new());
    loop {
        let request = stack
            .clients
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(BATCH)
            .wait_time_seconds(LONG_POLL_SECONDS)
            .visibility_timeout(PEEK_SECONDS);
        let answer = request.message_attribute_names("All").send().await;
        let answer = answer
            .map_err(explain)
            .with_context(|| format!("cannot read the {stage} dead-letter queue"))?;
        let before = seen.len();
        for message in answer.messages() {
            receipts.extend(message.receipt_handle().map(str::to_owned));
            if seen.insert(message.message_id().unwrap_or_default().to_owned()) {
                parked.push(Parked::new(stage, message));
            }
        }
        if seen.len() == before {
            break;
        }
    }
    for receipt in receipts {
        let release = stack
            .clients
            .sqs
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(receipt)
            .visibility_timeout(0);
        release
            .send()
            .await
            .map_err(explain)
            .context("a message that was looked at stays hidden for some seconds")?;
    }
    Ok(parked)
}

/// Sends all messages of a dead-letter queue back to the stage's queue and returns their number. SQS goes on moving
/// them if this is cancelled.
pub async fn redrive(stack: &Stack, stage: Stage) -> Result<i64> {
    let source = arn(stack, stack.dlq_url(stage)?).await?;
    // SQS knows the source only of messages that it moved itself, not of those that a function parked.
    let destination = arn(stack, stack.queue_url(stage)?).await?;
    let start = stack
        .clients
        .sqs
        .start_message_move_task()
        .source_arn(&source)
        .destination_arn(destination);
    start
        .send()
        .await
        .map_err(explain)
        .with_context(|| format!("cannot redrive the {stage} dead-letter queue"))?;
    loop {
        let tasks = stack
            .clients
            .sqs
            .list_message_move_tasks()
            .source_arn(&source)
            .max_results(1)
            .send()
            .await
            .map_err(explain)?;
        let task = tasks
            .results()
            .first()
            .context("SQS does not know the redrive that it has just started")?;
        match task.status() {
            Some("COMPLETED") => return Ok(task.approximate_number_of_messages_moved()),
            Some("RUNNING") => tokio::time::sleep(POLL).await,
            status => bail!(
                "redrive of the {stage} dead-letter queue is {} after {} messages: {}",
                status.unwrap_or("lost"),
                task.approximate_number_of_messages_moved(),
                task.failure_reason().unwrap_or("no reason given")
            ),
        }
    }
}

async fn arn(stack: &Stack, url: &str) -> Result<String> {
    let request = stack
        .clients
        .sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::QueueArn);
    let answer =
        request.send().await.map_err(explain).with_context(|| format!("cannot look at {url}"))?;
    let arn =
        answer.attributes().and_then(|attributes| attributes.get(&QueueAttributeName::QueueArn));
    arn.cloned().with_context(|| format!("{url} has no ARN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_message_tells_where_and_why() {
        let attributes = [
            ("stage", "fetch"),
            ("code", "totals"),
            ("error", "rows add up to 1"),
            ("request_id", "r-1"),
            ("attempts", "3"),
        ];
        let parked = Parked {
            stage: Stage::Fetch,
            body: "{}".into(),
            attributes: attributes
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        };
        let failure = parked.failure();
        assert_eq!((failure.stage.as_str(), failure.cause.as_str()), ("fetch", "rows add up to 1"));
        assert_eq!(failure.object.as_deref(), Some("{}"));
        assert_eq!(failure.request_id.as_deref(), Some("r-1"));
        assert_eq!(failure.attempts, Some(3));
    }

    #[test]
    fn a_message_that_sqs_moved_points_to_the_log() {
        let parked = Parked { stage: Stage::Glue, body: "b".into(), attributes: BTreeMap::new() };
        assert_eq!(parked.failure().stage, "glue");
        assert!(parked.cause().contains("log"));
    }
}
