//! Receiving the messages of a dead-letter queue. Received messages are hidden from other readers for a while, so what
//! is not deleted is given back.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName::SentTimestamp,
};
use futures::{StreamExt as _, future::try_join_all, stream};

use super::Parked;
use crate::{
    aws::explain,
    stack::{Stack, Stage},
};

/// How long a received message stays hidden, should this program end before it gives the message back.
pub const HELD_FOR: Duration = Duration::from_secs(60);
/// When reading stops, so that the first messages are still hidden when the last are dealt with.
const READ_FOR: Duration = Duration::from_secs(30);
/// SQS's limit of a batch.
pub(super) const BATCH: usize = 10;
/// A receive takes a round trip for ten messages: a thousand are too many for one reader after the other.
const READERS: usize = 8;
/// Any wait makes SQS ask all of its servers. Without one, a queue with messages in it may look empty.
const LONG_POLL_SECONDS: i32 = 1;

/// A received message.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) parked: Parked,
    pub(super) receipt: String,
}

/// Receives the messages of a dead-letter queue, the oldest first. Those that somebody else holds are not among them.
pub(super) async fn hold(stack: &Stack, stage: Stage) -> Result<Vec<Held>> {
    let held = Mutex::default();
    let started = Instant::now();
    try_join_all((0..READERS).map(|_| read(stack, stage, started, &held))).await?;
    let held = held.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut held: Vec<Held> = held.into_values().collect();
    held.sort_by_cached_key(|held| (held.parked.parked_at(), held.parked.id.clone()));
    Ok(held)
}

/// Receives until nothing new comes.
async fn read(
    stack: &Stack,
    stage: Stage,
    started: Instant,
    held: &Mutex<BTreeMap<String, Held>>,
) -> Result<()> {
    let url = stack.dlq_url(stage)?;
    while started.elapsed() < READ_FOR {
        let request = stack
            .clients
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(i32::try_from(BATCH)?)
            .wait_time_seconds(LONG_POLL_SECONDS)
            .visibility_timeout(i32::try_from(HELD_FOR.as_secs())?)
            .message_system_attribute_names(SentTimestamp);
        let answer = request.message_attribute_names("All").send().await;
        let answer = answer
            .map_err(explain)
            .with_context(|| format!("cannot read the {stage} dead-letter queue"))?;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held.len();
        for message in answer.messages() {
            let parked = Parked::new(stage, message);
            let receipt = message.receipt_handle().unwrap_or_default().to_owned();
            // Of a message that came twice, only the newest receipt is good.
            held.insert(parked.id.clone(), Held { parked, receipt });
        }
        if held.len() == before {
            break;
        }
    }
    Ok(())
}

/// Gives messages back to other readers. What cannot be given back comes back by itself a little later, so an error is
/// not worth telling.
pub(super) async fn release(stack: &Stack, stage: Stage, held: &[Held]) -> Result<()> {
    let url = stack.dlq_url(stage)?;
    let batches = held.chunks(BATCH).map(|batch| async move {
        let entries = batch.iter().enumerate().map(|(number, held)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(&held.receipt)
                .visibility_timeout(0)
                .build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = stack.clients.sqs.change_message_visibility_batch().queue_url(url);
        let _comes_back_by_itself = request.set_entries(Some(entries)).send().await;
        anyhow::Ok(())
    });
    stream::iter(batches).buffer_unordered(READERS).for_each(|_| async {}).await;
    Ok(())
}
