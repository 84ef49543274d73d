//! What an interrupted run left undone: a lake that is kept outlives the queues whose messages would have gone on.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::{
    keys::{LandingKey, RawKey},
    raw::RawMetadata,
    values::IndexCode,
};

use crate::{
    aws::explain,
    journey::{Snapshot, Tracker},
    stack::{Stack, Stage},
};

/// What was refined: `date=…/<ETag of the raw file>`.
pub(crate) const DONE: &str = "control/refine/done/";
const TICK: &str = r#"{"tick": true}"#;
const POLL: Duration = Duration::from_millis(150);
/// A date is fetched anew only within B3's next sessions. An answer of these dates is compared with its raw file in any
/// case; an older one, which was imported, only if it is newer than the raw file.
const DATES_FETCHED_ANEW: usize = 20;

/// Dates whose rows are not those of their newest answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Answers that have no raw file.
    landing: Vec<LandingKey>,
    /// Raw files that were not refined.
    raw: BTreeSet<NaiveDate>,
}

impl Unfinished {
    pub async fn find(stack: &Stack, index: &IndexCode) -> Result<Self> {
        let mut newest = BTreeMap::new();
        for object in stack.objects(&LandingKey::prefix_of_index(index)).await? {
            let key: LandingKey = object.key.parse()?;
            // In the order of the keys, which is that of the times.
            newest.insert(key.date, (key, object.modified_ms));
        }
        let mut raw = BTreeMap::new();
        for object in stack.objects(RawKey::PREFIX).await? {
            raw.insert(object.key.parse::<RawKey>()?.date, object);
        }
        let done: HashSet<String> = stack.keys(DONE).await?.into_iter().collect();
        let mut unfinished = Self::default();
        for (position, (date, (landing, landed_ms))) in newest.into_iter().rev().enumerate() {
            let written = match raw.get(&date) {
                None => false,
                Some(raw) if position < DATES_FETCHED_ANEW || raw.modified_ms <= landed_ms => {
                    source(stack, &raw.key).await?.is_some_and(|source| source >= landing.stamp)
                }
                Some(_) => true,
            };
            if !written {
                unfinished.landing.push(landing);
            }
        }
        unfinished.raw = raw
            .into_iter()
            .filter(|(date, raw)| !done.contains(&format!("{DONE}date={date}/{}", raw.etag)))
            .map(|(date, _)| date)
            .collect();
        Ok(unfinished)
    }

    pub fn is_empty(&self) -> bool {
        self.landing.is_empty() && self.raw.is_empty()
    }

    pub fn dates(&self) -> BTreeSet<NaiveDate> {
        self.landing.iter().map(|key| key.date).chain(self.raw.iter().copied()).collect()
    }

    /// Sends the messages that are missing.
    pub async fn resume(&self, stack: &Stack) -> Result<()> {
        const AT_ONCE: usize = 16;
        let sent = stream::iter(&self.landing).map(|key| stack.announce(key));
        sent.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        if !self.raw.is_empty() {
            stack.send(Stage::Completion, TICK).await?;
        }
        Ok(())
    }

    /// Sends the messages that are missing, and waits until nothing is left undone.
    ///
    /// # Errors
    /// A [`crate::failure::Failure`] as soon as a message is parked, a run fails, or an alert is mailed.
    pub async fn finish(
        &self,
        stack: &Stack,
        index: &IndexCode,
        tracker: &Tracker<'_>,
        before: &Snapshot,
    ) -> Result<()> {
        self.resume(stack).await?;
        let watch = async || tracker.fail_if_anything_failed(before).await;
        until_finished(stack, index, tracker, before, &watch, |_| {}).await
    }
}

/// Waits until nothing is left undone, and tells how many dates are.
///
/// # Errors
/// Those of `watch`, which looks for failures.
pub async fn until_finished(
    stack: &Stack,
    index: &IndexCode,
    tracker: &Tracker<'_>,
    before: &Snapshot,
    watch: &impl AsyncFn() -> Result<()>,
    left: impl Fn(usize),
) -> Result<()> {
    loop {
        let started = Instant::now();
        let unfinished = Unfinished::find(stack, index).await?;
        left(unfinished.dates().len());
        // The last run's mail is awaited too, lest it be taken for that of the next portfolio.
        if unfinished.is_empty() && tracker.is_idle(before).await? {
            return Ok(());
        }
        watch().await?;
        // Looking at many dates must not keep the emulator from working on them.
        tokio::time::sleep(POLL.max(started.elapsed() * 3)).await;
    }
}

/// The stamp of the answer that a raw file was made from.
async fn source(stack: &Stack, raw_key: &str) -> Result<Option<shared::keys::Stamp>> {
    let request = stack.clients.s3.head_object().bucket(stack.bucket()?).key(raw_key);
    let head = request.send().await.map_err(explain);
    let head = head.with_context(|| format!("cannot look at {raw_key}"))?;
    let metadata = head.metadata.unwrap_or_default();
    Ok(RawMetadata::parse(&metadata).map(|metadata| metadata.landing.stamp))
}
