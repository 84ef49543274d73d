//! Sending back, or throwing away, some messages of a dead-letter queue.
//!
//! SQS moves whole queues only. A message that is chosen by its code or id is received, sent to the stage's queue and
//! then deleted, in this order: if this program is killed in between, the message is in both queues, and the stage gets
//! it once more with the next redrive. Stages take a repeated message for what it is.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};
use futures::{StreamExt as _, stream};
use shared::failpoint;

use super::{
    Parked,
    hold::{BATCH, Held, hold, release},
};
use crate::{
    aws::explain,
    language::text,
    stack::{Stack, Stage},
};

/// SQS's limit of a batch.
const BATCH_BYTES: usize = 1024 * 1024;
const BATCHES_AT_ONCE: usize = 4;

/// Which messages of a dead-letter queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those with this code.
    pub code: Option<String>,
    /// The one with this id, its own or that of the message that failed. The dates of a failed run all have the id of
    /// the run, which is not good for choosing one.
    pub message: Option<String>,
}

impl Selection {
    pub fn is_all(&self) -> bool {
        self.code.is_none() && self.message.is_none()
    }

    pub fn takes(&self, parked: &Parked) -> bool {
        self.code.as_deref().is_none_or(|code| parked.code() == code)
            && self.message.as_deref().is_none_or(|id| parked.is_message(id))
    }

    /// Makes sure that an id chooses no more than one message.
    ///
    /// # Errors
    /// If there are several, with the id of each.
    pub fn check_one<'a>(&self, chosen: impl IntoIterator<Item = &'a Parked>) -> Result<()> {
        let Some(id) = &self.message else { return Ok(()) };
        let ids: Vec<_> = chosen.into_iter().map(|parked| parked.id.as_str()).collect();
        if ids.len() > 1 {
            let (count, ids) = (ids.len(), ids.join(", --message "));
            bail!(text!(
                en: "{id} stands for {count} messages, of which one is to be chosen: --message {ids}",
                pt: "{id} vale para {count} mensagens, das quais é preciso escolher uma: --message {ids}",
            ));
        }
        Ok(())
    }
}

/// Sends the selected messages back to the stage's queue and returns their number. They lose the attributes, which are
/// about the failure.
///
/// # Errors
/// If an id stands for several messages; nothing is sent then. If SQS did not take some of them. Those stay in the
/// dead-letter queue; the others are sent.
pub async fn redrive_selected(stack: &Stack, stage: Stage, selection: &Selection) -> Result<usize> {
    let chosen = choose(stack, stage, |parked| selection.takes(parked)).await?;
    if let Err(several) = selection.check_one(chosen.iter().map(|held| &held.parked)) {
        release(stack, stage, &chosen).await?;
        return Err(several);
    }
    let batches = batches(&chosen).into_iter().map(|batch| send_back(stack, stage, batch));
    let sent: Vec<Result<usize>> =
        stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).collect().await;
    let (mut total, mut failure) = (0, None);
    for batch in sent {
        match batch {
            Ok(count) => total += count,
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        None => Ok(total),
        Some(error) => {
            let rest = chosen.len().saturating_sub(total);
            Err(error.context(format!(
                "{total} sent back to the {stage} queue, and {rest} not or perhaps not: they are in the dead-letter \
                 queue and can be read again within a minute"
            )))
        }
    }
}

/// Deletes messages for good, by their ids in the dead-letter queue, and returns the number of those that could be
/// received.
pub async fn discard(stack: &Stack, stage: Stage, ids: &BTreeSet<&str>) -> Result<usize> {
    let chosen = choose(stack, stage, |parked| ids.contains(parked.id.as_str())).await?;
    for batch in chosen.chunks(BATCH) {
        delete(stack, stage, &batch.iter().collect::<Vec<_>>()).await?;
    }
    Ok(chosen.len())
}

/// Receives the selected messages, and gives all others back.
async fn choose(stack: &Stack, stage: Stage, takes: impl Fn(&Parked) -> bool) -> Result<Vec<Held>> {
    let held = hold(stack, stage).await?;
    let (chosen, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|held| takes(&held.parked));
    release(stack, stage, &others).await?;
    Ok(chosen)
}

/// As many messages at once as SQS takes: ten, and a megabyte together.
fn batches(messages: &[Held]) -> Vec<Vec<&Held>> {
    let (mut batches, mut bytes) = (Vec::<Vec<&Held>>::new(), 0);
    for message in messages {
        let size = message.parked.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + size <= BATCH_BYTES => {
                batch.push(message);
                bytes += size;
            }
            _ => {
                batches.push(vec![message]);
                bytes = size;
            }
        }
    }
    batches
}

async fn send_back(stack: &Stack, stage: Stage, batch: Vec<&Held>) -> Result<usize> {
    let entries = batch.iter().enumerate().map(|(number, held)| {
        let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
        entry.message_body(&held.parked.body).build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let request = stack.clients.sqs.send_message_batch().queue_url(stack.queue_url(stage)?);
    let sending = request.set_entries(Some(entries)).send();
    let answer = failpoint::around("redrive-send", sending).await.map_err(explain);
    let answer = answer.with_context(|| format!("cannot send to the {stage} queue"))?;
    let accepted = answer.successful().iter();
    let accepted = accepted.filter_map(|entry| batch.get(entry.id().parse::<usize>().ok()?));
    let accepted: Vec<&Held> = accepted.copied().collect();
    failpoint::around("redrive-delete", delete(stack, stage, &accepted)).await?;
    if let Some(refused) = answer.failed().first() {
        bail!("{}: {}", refused.code(), refused.message().unwrap_or("no reason given"));
    }
    Ok(accepted.len())
}

async fn delete(stack: &Stack, stage: Stage, messages: &[&Held]) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let entries = messages.iter().enumerate().map(|(number, held)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        entry.receipt_handle(&held.receipt).build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let request = stack.clients.sqs.delete_message_batch().queue_url(stack.dlq_url(stage)?);
    let answer = request.set_entries(Some(entries)).send().await.map_err(explain);
    let failed = answer.and_then(|answer| match answer.failed().first() {
        Some(kept) => Err(anyhow!("{}: {}", kept.code(), kept.message().unwrap_or_default())),
        None => Ok(()),
    });
    failed.with_context(|| format!("cannot delete from the {stage} dead-letter queue"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn held(body_bytes: usize, code: &str) -> Held {
        let attributes = BTreeMap::from([("code".to_owned(), code.to_owned())]);
        let body = "b".repeat(body_bytes);
        let parked =
            Parked { stage: Stage::Fetch, id: "i".into(), body, attributes, sent_at: None };
        Held { parked, receipt: String::new() }
    }

    #[test]
    fn a_batch_holds_ten_messages_and_a_megabyte() {
        let sizes = |messages: &[Held]| batches(messages).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&vec![held(1, "c"); 23]), [10, 10, 3]);
        assert_eq!(sizes(&vec![held(BATCH_BYTES / 2, "c"); 3]), [2, 1]);
        assert_eq!(sizes(&vec![held(BATCH_BYTES, "c"); 2]), [1, 1]);
        assert!(sizes(&[]).is_empty());
    }

    #[test]
    fn code_and_id_both_have_to_fit() {
        let parked = held(1, "b3-html").parked;
        let selection = |code: Option<&str>, message: Option<&str>| Selection {
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
        };
        assert!(selection(None, None).is_all() && selection(None, None).takes(&parked));
        assert!(selection(Some("b3-html"), Some("i")).takes(&parked));
        assert!(!selection(Some("b3-html"), Some("other")).takes(&parked));
        assert!(!selection(Some("other"), Some("i")).takes(&parked));
    }
}
