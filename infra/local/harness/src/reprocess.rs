//! Sending landing objects through the chain again, after a correction of the functions or of the job.
//!
//! It takes the right to send messages and to list objects, and no other. The parquet queue gets the message that S3
//! sent about each object when it was new. A parser that was corrected then writes another raw file, which is refined as
//! any other. A raw file that stays as it is was refined by the job as that was then, so its date is asked for with
//! force.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Result, bail};
use aws_sdk_glue::types::JobRunState;
use chrono::NaiveDate;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use shared::{
    events::RefineRequest,
    keys::{LandingKey, RawKey},
    values::IndexCode,
};

use crate::{
    language::{plural, text},
    progress::Progress,
    stack::{Stack, Stage, StoredObject},
    unfinished::{DONE, Unfinished},
};

const TOLD: &str = "control/refine/told/";
const POLL: Duration = Duration::from_millis(300);

/// A date that went through the chain again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reprocessed {
    pub date: NaiveDate,
    /// The newest landing object of the date.
    pub landing_key: LandingKey,
    /// Whether the raw file is another one now.
    pub raw_changed: bool,
}

/// Sends the newest landing object of each date between two again, and waits until all are refined again.
///
/// `at_once` dates are asked for together: as many as glue-trigger gets in one batch, because a forced request has to
/// wait for the run that another batch has started.
///
/// # Errors
/// If there is no landing object between the dates, and those of `watch`, which looks for failures.
pub async fn reprocess(
    stack: &Stack,
    index: &IndexCode,
    (from, to): (NaiveDate, NaiveDate),
    at_once: usize,
    watch: &impl AsyncFn() -> Result<()>,
    progress: &Progress,
) -> Result<Vec<Reprocessed>> {
    let mut landing: BTreeMap<NaiveDate, LandingKey> = BTreeMap::new();
    for key in stack.keys(&LandingKey::prefix_of_index(index)).await? {
        let key: LandingKey = key.parse()?;
        if (from..=to).contains(&key.date) {
            // In the order of the keys, which is that of the times.
            landing.insert(key.date, key);
        }
    }
    if landing.is_empty() {
        bail!(text!(
            en: "there is no landing object of {index} from {from} to {to}",
            pt: "não há objeto de landing do {index} de {from} a {to}",
        ));
    }
    let dates: BTreeSet<NaiveDate> = landing.keys().copied().collect();

    let number = dates.len();
    let (files, arquivos) =
        (plural(number, "raw file", "raw files"), plural(number, "arquivo raw", "arquivos raw"));
    let step = progress.step(
        "parquet",
        text!(en: "write {number} {files} again", pt: "gravar {number} {arquivos} de novo"),
    );
    let before = raw_files(stack).await?;
    send(landing.values(), |key| stack.announce(key)).await?;
    while stack.waiting(Stage::Parquet).await? > 0 {
        watch().await?;
        tokio::time::sleep(POLL).await;
    }
    settled(stack, index, &dates, watch).await?;
    let after = raw_files(stack).await?;
    let is_same =
        |date: &NaiveDate| before.contains_key(date) && before.get(date) == after.get(date);
    let (same, changed): (Vec<_>, Vec<_>) = dates.iter().copied().partition(is_same);
    let number = changed.len();
    step.done(text!(
        en: "{number} changed, and refined",
        pt: "os que mudaram, e foram refinados: {number}",
    ));

    let number = same.len();
    let step = progress.step(
        "refine",
        text!(
            en: "refine {number} unchanged again",
            pt: "refinar de novo os que não mudaram: {number}",
        ),
    );
    step.total(same.len());
    for chunk in same.chunks(at_once) {
        refine_again(stack, index, chunk, watch).await?;
        chunk.iter().for_each(|_| step.advance());
    }
    step.done(text!(en: "refined", pt: "refinados"));

    let reprocessed = landing.into_iter().map(|(date, landing_key)| Reprocessed {
        date,
        landing_key,
        raw_changed: changed.contains(&date),
    });
    Ok(reprocessed.collect())
}

async fn refine_again(
    stack: &Stack,
    index: &IndexCode,
    dates: &[NaiveDate],
    watch: &impl AsyncFn() -> Result<()>,
) -> Result<()> {
    let refined_before = refined(stack).await?;
    let messages = dates.iter().map(|date| {
        serde_json::to_string(&RefineRequest { date: *date, force: true, retry_of: None })
    });
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    send(&messages, async |message| stack.send(Stage::Glue, message).await.map(drop)).await?;
    loop {
        let refined = refined(stack).await?;
        let is_new =
            |date| refined.contains_key(date) && refined.get(date) != refined_before.get(date);
        if dates.iter().all(is_new) {
            // The notice about the run's end is awaited too: the next request would be refused before it.
            return settled(stack, index, &dates.iter().copied().collect(), watch).await;
        }
        watch().await?;
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until the rows of these dates are those of their newest landing objects, and no run is active.
async fn settled(
    stack: &Stack,
    index: &IndexCode,
    dates: &BTreeSet<NaiveDate>,
    watch: &impl AsyncFn() -> Result<()>,
) -> Result<()> {
    loop {
        let unfinished = Unfinished::find(stack, index).await?;
        if unfinished.dates().is_disjoint(dates) && is_idle(stack).await? {
            return Ok(());
        }
        watch().await?;
        tokio::time::sleep(POLL).await;
    }
}

/// Whether no run is active, and people were notified of the newest one.
async fn is_idle(stack: &Stack) -> Result<bool> {
    let runs = stack.runs().await?;
    let active = |state: &JobRunState| {
        !matches!(
            state,
            JobRunState::Succeeded
                | JobRunState::Failed
                | JobRunState::Error
                | JobRunState::Expired
                | JobRunState::Stopped
                | JobRunState::Timeout
        )
    };
    if runs.iter().any(|run| run.job_run_state().is_none_or(active)) {
        return Ok(false);
    }
    let Some(newest) = runs.first().and_then(|run| run.id()) else { return Ok(true) };
    let told = stack.objects(&format!("{TOLD}{newest}")).await?;
    Ok(told.iter().any(|told| told.size > 0))
}

/// The ETags of the raw files.
async fn raw_files(stack: &Stack) -> Result<BTreeMap<NaiveDate, String>> {
    let mut found = BTreeMap::new();
    for StoredObject { key, etag, .. } in stack.objects(RawKey::PREFIX).await? {
        found.insert(key.parse::<RawKey>()?.date, etag);
    }
    Ok(found)
}

/// When each date was last refined.
async fn refined(stack: &Stack) -> Result<BTreeMap<NaiveDate, i64>> {
    let date = |key: &str| {
        let (date, _) = key.strip_prefix(DONE)?.strip_prefix("date=")?.split_once('/')?;
        date.parse::<NaiveDate>().ok()
    };
    let mut last = BTreeMap::new();
    for done in stack.objects(DONE).await? {
        if let Some(date) = date(&done.key) {
            let at = last.entry(date).or_insert(done.modified_ms);
            *at = done.modified_ms.max(*at);
        }
    }
    Ok(last)
}

async fn send<T>(
    messages: impl IntoIterator<Item = T>,
    send: impl AsyncFn(T) -> Result<()>,
) -> Result<()> {
    const AT_ONCE: usize = 16;
    let sent = stream::iter(messages).map(|message| send(message));
    sent.buffer_unordered(AT_ONCE).try_collect::<()>().await
}
