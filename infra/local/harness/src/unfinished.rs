//! What an interrupted run left undone: a lake that is kept outlives the queues whose messages would have gone on.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use refine::FailedMark;
use shared::{
    aws::ETag,
    keys::{LandingKey, RawKey},
    raw::RawMetadata,
    values::IndexCode,
};

use crate::{
    aws::explain,
    failure::Failure,
    journey::{Snapshot, Tracker},
    patience::Patience,
    stack::{Stack, Stage, StoredObject},
    text,
};

/// What was refined: `date=…/<ETag of the raw file>`.
pub(crate) const DONE: &str = "control/refine/done/";
/// What failed in a run, and is not tried again before people ask for it.
const FAILED: &str = "control/refine/failed/";
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
    /// Those of them that failed: the run of each.
    failed: BTreeMap<NaiveDate, String>,
}

impl Unfinished {
    pub async fn find(stack: &Stack, index: &IndexCode) -> Result<Self> {
        Self::list(stack, index, None).await
    }

    /// Looks at these dates only.
    pub async fn between(
        stack: &Stack,
        index: &IndexCode,
        dates: &RangeInclusive<NaiveDate>,
    ) -> Result<Self> {
        Self::list(stack, index, Some(dates)).await
    }

    async fn list(
        stack: &Stack,
        index: &IndexCode,
        dates: Option<&RangeInclusive<NaiveDate>>,
    ) -> Result<Self> {
        let objects = async |prefix: &str| match dates {
            None => stack.objects(prefix).await,
            Some(dates) => stack.objects_of(prefix, dates).await,
        };
        let mut newest = BTreeMap::new();
        for object in objects(&LandingKey::prefix_of_index(index)).await? {
            let key: LandingKey = object.key.parse()?;
            // In the order of the keys, which is that of the times.
            newest.insert(key.date, (key, object.modified_ms));
        }
        let mut raw = BTreeMap::new();
        for object in objects(RawKey::PREFIX).await? {
            raw.insert(object.key.parse::<RawKey>()?.date, object);
        }
        let done = objects(DONE).await?.into_iter().map(|object| object.key);
        let done: HashSet<String> = done.collect();
        let marks = objects(FAILED).await?;
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
        raw.retain(|date, raw| !done.contains(&format!("{DONE}date={date}/{}", raw.etag)));
        unfinished.failed = failed(&raw, &marks);
        unfinished.raw = raw.into_keys().collect();
        Ok(unfinished)
    }

    pub fn is_empty(&self) -> bool {
        self.landing.is_empty() && self.raw.is_empty()
    }

    pub fn dates(&self) -> BTreeSet<NaiveDate> {
        self.landing.iter().map(|key| key.date).chain(self.raw.iter().copied()).collect()
    }

    /// What is left of some dates.
    pub fn of(mut self, dates: &BTreeSet<NaiveDate>) -> Self {
        self.landing.retain(|key| dates.contains(&key.date));
        self.raw.retain(|date| dates.contains(date));
        self.failed.retain(|date, _| dates.contains(date));
        self
    }

    /// The run in which each date failed that no run will try by itself.
    pub fn failed(&self) -> &BTreeMap<NaiveDate, String> {
        &self.failed
    }

    /// Whether nothing is left but what failed.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.dates().iter().all(|date| self.failed.contains_key(date))
    }

    /// # Errors
    /// A [`Failure`] if a date has failed in a run that is not among those `known`.
    pub(crate) fn fail_if_failed(&self, known: &BTreeMap<NaiveDate, String>) -> Result<()> {
        let Some((date, run)) = self.failed.iter().find(|(date, run)| known.get(date) != Some(run))
        else {
            return Ok(());
        };
        let cause = text!(
            en: "{date} failed in a run of the job, and its request is parked: `cargo ibov parked glue` says why, and `cargo ibov redrive glue` has it tried again",
            pt: "{date} falhou em uma execução do job, e o pedido está retido: `cargo ibov parked glue` diz por quê, e `cargo ibov redrive glue` tenta de novo",
        );
        Err(Failure { object: Some(run.clone()), ..Failure::new("refine", cause) }.into())
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
        index: &IndexCode,
        tracker: &Tracker<'_>,
        before: &Snapshot,
        limit: Duration,
    ) -> Result<()> {
        self.resume(tracker.stack()).await?;
        let watch = async || tracker.fail_if_anything_failed(before).await;
        let wait = Wait { index, dates: &self.dates(), limit };
        until_finished(&wait, tracker, before, &watch, |_| {}).await
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'a> {
    pub index: &'a IndexCode,
    /// Others may be left undone.
    pub dates: &'a BTreeSet<NaiveDate>,
    /// How long at most, while nothing moves.
    pub limit: Duration,
}

/// Waits until nothing is left undone of some dates, and tells how many are.
///
/// # Errors
/// Those of `watch`, which looks for failures; a [`Failure`] if a date has failed, now or before, or if nothing moves.
pub async fn until_finished(
    wait: &Wait<'_>,
    tracker: &Tracker<'_>,
    before: &Snapshot,
    watch: &impl AsyncFn() -> Result<()>,
    left: impl Fn(usize),
) -> Result<()> {
    let Wait { index, dates, limit } = *wait;
    let mut patience = Patience::new(limit);
    loop {
        let started = Instant::now();
        let unfinished = match (dates.first(), dates.last()) {
            (Some(first), Some(last)) => {
                Unfinished::between(tracker.stack(), index, &(*first..=*last)).await?.of(dates)
            }
            (None, _) | (_, None) => Unfinished::default(),
        };
        left(unfinished.dates().len());
        // The last run's mail is awaited too, lest it be taken for that of the next portfolio.
        if unfinished.is_at_rest() && tracker.is_idle(before).await? {
            if unfinished.is_empty() {
                return Ok(());
            }
            // Of a failure of now, the parked message says more.
            watch().await?;
            return unfinished.fail_if_failed(&BTreeMap::new());
        }
        watch().await?;
        patience.look(unfinished.dates().len(), Instant::now())?;
        // Looking at many dates must not keep the emulator from working on them.
        tokio::time::sleep(POLL.max(started.elapsed() * 3)).await;
    }
}

/// The run of each mark that holds back a raw file. An empty mark holds back nothing.
fn failed(
    raw: &BTreeMap<NaiveDate, StoredObject>,
    marks: &[StoredObject],
) -> BTreeMap<NaiveDate, String> {
    let marks = marks.iter().filter(|object| object.size > 0);
    let marks = marks.filter_map(|object| FailedMark::parse(&object.key));
    marks
        .filter(|mark| raw.get(&mark.date).is_some_and(|raw| ETag::new(&raw.etag) == mark.etag))
        .map(|mark| (mark.date, mark.run_id))
        .collect()
}

/// The stamp of the answer that a raw file was made from.
async fn source(stack: &Stack, raw_key: &str) -> Result<Option<shared::keys::Stamp>> {
    let request = stack.clients.s3.head_object().bucket(stack.bucket()?).key(raw_key);
    let head = request.send().await.map_err(explain);
    let head = head.with_context(|| format!("cannot look at {raw_key}"))?;
    let metadata = head.metadata.unwrap_or_default();
    Ok(RawMetadata::parse(&metadata).map(|metadata| metadata.landing.stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, etag: &str, size: i64) -> StoredObject {
        StoredObject { key: key.to_owned(), etag: etag.to_owned(), size, modified_ms: 0 }
    }

    #[test]
    fn a_mark_holds_back_its_raw_file_until_that_is_replaced_or_asked_for() {
        let date: NaiveDate = "2026-11-20".parse().unwrap();
        let raw = BTreeMap::from([(date, object("raw/date=2026-11-20/x.parquet", "abc", 9))]);
        let mark = |etag: &str, run: &str, size| {
            object(&format!("{FAILED}date=2026-11-20/{etag}/{run}"), "e", size)
        };
        let marks = [mark("abc", "jr_1", 0), mark("abc", "jr_2", 7), mark("old", "jr_3", 7)];
        assert_eq!(failed(&raw, &marks), BTreeMap::from([(date, "jr_2".to_owned())]));
        assert!(failed(&raw, &[mark("abc", "jr_1", 0), mark("old", "jr_3", 7)]).is_empty());
    }

    #[test]
    fn a_wait_ends_at_a_date_that_failed_before_and_says_what_to_do() {
        let date: NaiveDate = "2026-11-20".parse().unwrap();
        let known = BTreeMap::from([(date, "jr_1".to_owned())]);
        let raw = BTreeSet::from([date]);
        let unfinished = Unfinished { raw, failed: known.clone(), ..Unfinished::default() };
        assert!(unfinished.is_at_rest() && !unfinished.is_empty());
        let error = unfinished.fail_if_failed(&BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("2026-11-20") && error.contains("redrive glue"), "{error}");
        // One that a forced request is about to try again.
        assert!(unfinished.fail_if_failed(&known).is_ok());
        let other = unfinished.of(&BTreeSet::from(["2026-11-19".parse().unwrap()]));
        assert!(other.is_empty() && other.is_at_rest());
    }
}
