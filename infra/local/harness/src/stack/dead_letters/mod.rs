//! Dead-letter queues: reading what is parked in them, sending it back, and throwing it away.

mod hold;
mod parked;
mod rise;
mod selection;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_sqs::types::QueueAttributeName;

pub use self::{
    hold::HELD_FOR,
    parked::{Group, NO_CODE, Parked},
    rise::Rise,
    selection::{Selection, discard, redrive_selected},
};
use crate::{
    aws::explain,
    stack::{QueueCounts, Stack, Stage},
};

const POLL: Duration = Duration::from_millis(300);

/// The messages of a dead-letter queue, as SQS counts them.
pub async fn counts(stack: &Stack, stage: Stage) -> Result<QueueCounts> {
    let counts = QueueCounts::read(&stack.clients, stack.dlq_url(stage)?).await;
    counts.with_context(|| format!("cannot look at the {stage} dead-letter queue"))
}

/// About how many messages lie in a dead-letter queue.
pub async fn depth(stack: &Stack, stage: Stage) -> Result<usize> {
    Ok(counts(stack, stage).await?.total())
}

/// About how many messages lie in all dead-letter queues.
pub async fn total_depth(stack: &Stack) -> Result<usize> {
    let mut total = 0;
    for stage in Stage::ALL {
        total += depth(stack, stage).await?;
    }
    Ok(total)
}

/// Reads the messages of a dead-letter queue, the oldest first, and leaves them there.
pub async fn peek(stack: &Stack, stage: Stage) -> Result<Vec<Parked>> {
    let held = hold::hold(stack, stage).await?;
    hold::release(stack, stage, &held).await?;
    Ok(held.into_iter().map(|held| held.parked).collect())
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
