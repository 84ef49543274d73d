//! Sending landing objects through the chain again, after a correction of the functions or of the job.
//!
//! It writes and deletes no object, but only sends messages (infra/README.md lists the rights). The parquet queue gets the message that S3
//! sent about each object when it was new. A parser that was corrected then writes another raw file, which is refined as
//! any other. A raw file that stays as it is was refined by the job as that was then, so its date is asked for with
//! force.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    future::Future,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use aws_sdk_glue::types::JobRun;
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
    patience::Patience,
    progress::Progress,
    stack::{Stack, Stage, StoredObject},
    unfinished::{DONE, Unfinished},
};

/// How a stack is worked with.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The dates that are asked for together: as many as glue-trigger gets in one batch, because a forced request has to
    /// wait for the run that another batch has started.
    at_once: usize,
    /// Between two looks.
    poll: Duration,
    /// How many looks one after the other have to find a queue empty. SQS counts approximately, and is right once
    /// nothing has changed for a minute.
    empty_looks: usize,
}

impl Pace {
    /// The emulator counts exactly.
    pub const LOCAL: Self = Self { at_once: 10, poll: Duration::from_millis(300), empty_looks: 1 };
    pub const AWS: Self = Self { at_once: 100, poll: Duration::from_secs(5), empty_looks: 13 };

    /// Waits until a queue is empty for as many looks as it takes.
    async fn until_empty<C, P>(
        &self,
        count: impl Fn() -> C,
        pause: impl Fn(usize) -> P,
    ) -> Result<()>
    where
        C: Future<Output = Result<usize>>,
        P: Future<Output = Result<()>>,
    {
        let mut empty = 0;
        loop {
            let left = count().await?;
            empty = if left == 0 { empty + 1 } else { 0 };
            if empty >= self.empty_looks {
                return Ok(());
            }
            // Each look at an empty queue comes nearer to the end, too.
            pause(left + self.empty_looks - empty).await?;
        }
    }
}

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
/// # Errors
/// If there is no landing object between the dates; those of `watch`, which looks for failures; a
/// [`crate::failure::Failure`] if a date fails, or if nothing moves for `limit`.
pub async fn reprocess(
    stack: &Stack,
    index: &IndexCode,
    (from, to): (NaiveDate, NaiveDate),
    (pace, limit): (Pace, Duration),
    watch: &impl AsyncFn() -> Result<()>,
    progress: &Progress,
) -> Result<Vec<Reprocessed>> {
    let between = from..=to;
    let mut landing: BTreeMap<NaiveDate, LandingKey> = BTreeMap::new();
    for object in stack.objects_of(&LandingKey::prefix_of_index(index), &between).await? {
        let key: LandingKey = object.key.parse()?;
        // In the order of the keys, which is that of the times.
        landing.insert(key.date, key);
    }
    let (Some((first, _)), Some((last, _))) = (landing.first_key_value(), landing.last_key_value())
    else {
        bail!(text!(
            en: "there is no landing object of {index} from {from} to {to}",
            pt: "não há objeto de landing do {index} de {from} a {to}",
        ));
    };
    let runs = stack.latest_runs().await?;
    let chain = Chain {
        stack,
        index,
        between: *first..=*last,
        dates: landing.keys().copied().collect(),
        runs: runs.iter().filter_map(JobRun::id).map(str::to_owned).collect(),
        pace,
        limit,
    };

    let number = landing.len();
    let (files, arquivos) =
        (plural(number, "raw file", "raw files"), plural(number, "arquivo raw", "arquivos raw"));
    let step = progress.step(
        "parquet",
        text!(en: "write {number} {files} again", pt: "gravar {number} {arquivos} de novo"),
    );
    let before = chain.raw_files().await?;
    // A date that failed before is tried again by its forced request.
    let failed_before = chain.unfinished().await?.failed().clone();
    send(landing.values(), |key| stack.announce(key)).await?;
    chain.written(watch).await?;
    chain.settled(&failed_before, watch).await?;
    let after = chain.raw_files().await?;
    let same = unchanged(&chain.dates, &before, &after);
    let number = landing.len() - same.len();
    step.done(text!(
        en: "{number} changed, and refined",
        pt: "os que mudaram, e foram refinados: {number}",
    ));

    let number = same.len();
    let step = progress.step(
        "glue",
        text!(
            en: "refine {number} unchanged again",
            pt: "refinar de novo os que não mudaram: {number}",
        ),
    );
    step.total(same.len());
    let same: Vec<_> = same.into_iter().collect();
    for chunk in same.chunks(pace.at_once) {
        chain.refine_again(chunk, watch).await?;
        chunk.iter().for_each(|_| step.advance());
    }
    step.done(text!(en: "refined", pt: "refinados"));

    // At the end, so that a raw file that came late is told of as well.
    let same = unchanged(&chain.dates, &before, &chain.raw_files().await?);
    let reprocessed = landing.into_iter().map(|(date, landing_key)| Reprocessed {
        date,
        landing_key,
        raw_changed: !same.contains(&date),
    });
    Ok(reprocessed.collect())
}

/// The dates whose raw files are the same.
fn unchanged(
    dates: &BTreeSet<NaiveDate>,
    before: &BTreeMap<NaiveDate, String>,
    after: &BTreeMap<NaiveDate, String>,
) -> BTreeSet<NaiveDate> {
    let is_same =
        |date: &&NaiveDate| before.contains_key(date) && before.get(date) == after.get(date);
    dates.iter().filter(is_same).copied().collect()
}

/// The dates that are sent again, and where.
struct Chain<'a> {
    stack: &'a Stack,
    index: &'a IndexCode,
    dates: BTreeSet<NaiveDate>,
    /// The first and the last of them.
    between: RangeInclusive<NaiveDate>,
    /// The runs that there were before.
    runs: HashSet<String>,
    pace: Pace,
    limit: Duration,
}

impl Chain<'_> {
    /// Waits until parquet-writer has taken everything.
    async fn written(&self, watch: &impl AsyncFn() -> Result<()>) -> Result<()> {
        let patience = std::cell::RefCell::new(Patience::new(self.limit));
        let pause = async |left| {
            watch().await?;
            patience.borrow_mut().look(left, Instant::now())?;
            self.pause().await
        };
        self.pace.until_empty(|| self.stack.waiting(Stage::Parquet), pause).await
    }

    async fn refine_again(
        &self,
        dates: &[NaiveDate],
        watch: &impl AsyncFn() -> Result<()>,
    ) -> Result<()> {
        let refined_before = self.refined().await?;
        let failed_before = self.unfinished().await?.failed().clone();
        let messages = dates.iter().map(|date| {
            serde_json::to_string(&RefineRequest { date: *date, force: true, retry_of: None })
        });
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        let send_one =
            async |message: &String| self.stack.send(Stage::Glue, message).await.map(drop);
        send(&messages, send_one).await?;
        let mut patience = Patience::new(self.limit);
        loop {
            let refined = self.refined().await?;
            let is_old =
                |date| !refined.contains_key(date) || refined.get(date) == refined_before.get(date);
            let left = dates.iter().filter(|date| is_old(*date)).count();
            if left == 0 {
                // The notice about the run's end is awaited too: the next request would be refused before it.
                return self.settled(&failed_before, watch).await;
            }
            watch().await?;
            self.unfinished().await?.fail_if_failed(&failed_before)?;
            patience.look(left, Instant::now())?;
            self.pause().await?;
        }
    }

    /// Waits until the rows of the dates are those of their newest landing objects, and no run is active.
    ///
    /// # Errors
    /// A failure of a date that has not `failed_before`.
    async fn settled(
        &self,
        failed_before: &BTreeMap<NaiveDate, String>,
        watch: &impl AsyncFn() -> Result<()>,
    ) -> Result<()> {
        let mut patience = Patience::new(self.limit);
        loop {
            let unfinished = self.unfinished().await?;
            if unfinished.is_at_rest() && self.stack.is_idle(&self.runs).await? {
                watch().await?;
                return unfinished.fail_if_failed(failed_before);
            }
            watch().await?;
            patience.look(unfinished.dates().len(), Instant::now())?;
            self.pause().await?;
        }
    }

    async fn pause(&self) -> Result<()> {
        tokio::time::sleep(self.pace.poll).await;
        Ok(())
    }

    async fn unfinished(&self) -> Result<Unfinished> {
        let unfinished = Unfinished::between(self.stack, self.index, &self.between).await?;
        Ok(unfinished.of(&self.dates))
    }

    /// The ETags of the raw files.
    async fn raw_files(&self) -> Result<BTreeMap<NaiveDate, String>> {
        let mut found = BTreeMap::new();
        for StoredObject { key, etag, .. } in
            self.stack.objects_of(RawKey::PREFIX, &self.between).await?
        {
            found.insert(key.parse::<RawKey>()?.date, etag);
        }
        Ok(found)
    }

    /// When each date was last refined.
    async fn refined(&self) -> Result<BTreeMap<NaiveDate, i64>> {
        let date = |key: &str| {
            let (date, _) = key.strip_prefix(DONE)?.strip_prefix("date=")?.split_once('/')?;
            date.parse::<NaiveDate>().ok()
        };
        let mut last = BTreeMap::new();
        for done in self.stack.objects_of(DONE, &self.between).await? {
            if let Some(date) = date(&done.key) {
                let at = last.entry(date).or_insert(done.modified_ms);
                *at = done.modified_ms.max(*at);
            }
        }
        Ok(last)
    }
}

async fn send<T>(
    messages: impl IntoIterator<Item = T>,
    send: impl AsyncFn(T) -> Result<()>,
) -> Result<()> {
    const AT_ONCE: usize = 16;
    let sent = stream::iter(messages).map(|message| send(message));
    sent.buffer_unordered(AT_ONCE).try_collect::<()>().await
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Poll, Waker},
    };

    use super::*;

    /// How many looks a queue takes that is counted like this, and empty after that.
    fn looks(pace: &Pace, counts: &[usize]) -> usize {
        let looks = AtomicUsize::new(0);
        let count = async || {
            let look = looks.fetch_add(1, Ordering::Relaxed);
            Ok(counts.get(look).copied().unwrap_or_default())
        };
        let waited = pin!(pace.until_empty(count, async |_| Ok(())));
        let waited = waited.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(waited, Poll::Ready(Ok(()))));
        looks.load(Ordering::Relaxed)
    }

    #[test]
    fn a_queue_whose_count_lags_is_not_taken_for_an_empty_one() {
        let seen = 13;
        assert_eq!(looks(&Pace::AWS, &[]), seen);
        assert_eq!(looks(&Pace::AWS, &[0, 0, 5, 2]), 4 + seen, "the messages were not counted yet");
        assert_eq!(looks(&Pace::AWS, &[5, 0, 1, 0, 0, 3]), 6 + seen);
        assert_eq!(looks(&Pace::LOCAL, &[2, 1]), 3);
        let minute = Pace::AWS.poll * u32::try_from(seen - 1).unwrap();
        assert!(minute >= Duration::from_secs(60));
    }
}
