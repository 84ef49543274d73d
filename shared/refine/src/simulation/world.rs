//! The lake, Glue and the mailbox in memory. Every call is a step of the calling actor.

mod calls;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::{DateTime, NaiveDate, TimeDelta};
use futures::FutureExt as _;
use serde_json::json;
use shared::{
    aws::{Bucket as _, CallError, Cause, Condition, ETag, Get, MemoryBucket},
    events::{RefineRequest, RunState},
    keys::{FileName, RawKey},
};

use super::explorer::Step;
use crate::{FailedMark, Run, listing::done_key};

/// One actor's view of a world.
pub(super) struct World {
    lake: Arc<Mutex<Lake>>,
    file_name: FileName,
    /// Number of ended runs when this actor last listed the runs.
    ended_when_looked: Mutex<usize>,
}

#[derive(Default)]
pub(super) struct Lake {
    /// Moves at the start and at the end of each run.
    clock: i64,
    /// How often the code under test has written or deleted an object.
    writes: u64,
    objects: MemoryBucket,
    /// The refined rows of each date, in two halves, each with the raw object that it is made from.
    pub(super) rows: BTreeMap<NaiveDate, [Option<ETag>; 2]>,
    pub(super) runs: Vec<Run>,
    /// The runs before the last change.
    runs_before: Vec<Run>,
    /// Runs that the job has begun.
    pub(super) at_work: BTreeSet<String>,
    pub(super) parked: Vec<RefineRequest>,
    /// For each notification, the run and the dates to redrive.
    pub(super) mails: Vec<(String, Vec<NaiveDate>)>,
    /// Which run refined which dates.
    pub(super) refined: BTreeSet<(String, NaiveDate)>,
    /// Which run's warnings about which dates were sent.
    pub(super) warned: BTreeSet<(String, NaiveDate)>,

    /// Raw objects that the job cannot refine and marks as failed.
    pub(super) bad: BTreeSet<ETag>,
    /// Raw objects that kill the run.
    pub(super) deadly: BTreeSet<ETag>,
    /// The job succeeds without doing anything.
    pub(super) idle_job: bool,
    /// Number of starts that Glue still refuses as busy, although no run is active.
    pub(super) slot_held: u32,
    /// Invocations have no time to wait.
    pub(super) hurry: bool,
    /// Number of listings of runs that show the state before the last change.
    pub(super) lagging: u32,
    /// Number of starts that succeed, but lose their answer.
    pub(super) lost_answers: u32,
    /// Number of starts that succeed although a run is active.
    pub(super) slips: u32,
    /// Index of the SNS or SQS call that fails, counted from now.
    pub(super) report_that_fails: Option<u32>,

    /// Violations: runs for raw objects that were all refined already. Not counted if a whole run passed between the
    /// starter's look at the runs and its start: on AWS, a run takes longer than that.
    pub(super) redundant: Vec<String>,
    /// Violations: runs for a raw object that has failed, without a request since.
    pub(super) unasked: Vec<String>,
    /// Raw objects that have failed since the last request for them.
    failures: BTreeSet<(NaiveDate, ETag)>,
}

const FILE_NAME: &str = "ibov_setor.parquet";

impl Default for World {
    fn default() -> Self {
        let (lake, file_name) = (Arc::default(), FILE_NAME.parse().unwrap());
        Self { lake, file_name, ended_when_looked: Mutex::default() }
    }
}

pub(super) fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

pub(super) fn etag(name: &str) -> ETag {
    MemoryBucket::etag(name.as_bytes())
}

/// The result of a call that is ready at once.
fn ready<T>(call: impl Future<Output = Result<T, CallError>>) -> T {
    call.now_or_never().unwrap().unwrap()
}

fn raw_key(day: NaiveDate) -> String {
    format!("raw/date={day}/{FILE_NAME}")
}

impl World {
    pub(super) fn lake(&self) -> MutexGuard<'_, Lake> {
        self.lake.lock().unwrap()
    }

    /// The same world for another actor.
    pub(super) fn actor(&self) -> Self {
        let (lake, file_name) = (Arc::clone(&self.lake), self.file_name.clone());
        Self { lake, file_name, ended_when_looked: Mutex::default() }
    }

    async fn step(&self) -> MutexGuard<'_, Lake> {
        Step::default().await;
        self.lake()
    }

    /// parquet-writer writes a raw object.
    pub(super) fn write_raw(&self, day: u32, name: &str) {
        self.lake().write_raw(date(day), name);
    }

    /// A person starts a run, without `--etags`.
    pub(super) fn start_by_hand(&self, dates: &str) -> String {
        self.lake().begin(dates.to_owned(), String::new())
    }

    /// The job, for the oldest run that has not begun. Dropping the future kills the run.
    pub(super) async fn work(&self) -> Option<Run> {
        let id = self.lake().waiting_run()?.id;
        self.lake().at_work.insert(id.clone());
        let alive = Alive { world: self, id: &id };
        let run = self.lake().run(&id);
        let mut all_refined = true;
        if !self.lake().idle_job {
            for day in run.started_for().into_keys() {
                all_refined &= self.refine(day, &id).await?;
            }
        }
        self.step().await.end(&id, if all_refined { "SUCCEEDED" } else { "FAILED" });
        drop(alive);
        Some(self.lake().run(&id))
    }

    /// Whether the date was refined; `None` if it killed the run.
    async fn refine(&self, day: NaiveDate, run_id: &str) -> Option<bool> {
        let Some(etag) = self.step().await.raw().get(&day).cloned() else { return Some(false) };
        if self.lake().deadly.contains(&etag) {
            return None;
        }
        if self.lake().bad.contains(&etag) {
            self.lake().failures.insert((day, etag.clone()));
            let mark = FailedMark { date: day, etag, run_id: run_id.to_owned() };
            let cause = r#"{"cause":"the job's own"}"#.into();
            let objects = self.step().await.objects.clone();
            let _ = objects.put(&mark.key(), cause, &Condition::Absent).await;
            return Some(false);
        }
        self.step().await.forget(day);
        for half in 0..2 {
            self.step().await.rows.entry(day).or_default()[half] = Some(etag.clone());
        }
        let said = json!({"run_id": run_id, "warnings": ["odd"]}).to_string();
        let mut lake = self.step().await;
        lake.put(&done_key(&(day, etag)), &said);
        lake.refined.insert((run_id.to_owned(), day));
        Some(true)
    }
}

/// Ends the run as failed when the job is dropped before its end.
struct Alive<'a> {
    world: &'a World,
    id: &'a str,
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        let mut lake = self.world.lake();
        if lake.run(self.id).is_active() {
            lake.end(self.id, "FAILED");
        }
    }
}

impl Lake {
    pub(super) fn run(&self, id: &str) -> Run {
        self.runs.iter().find(|run| run.id == id).unwrap().clone()
    }

    /// Differs from its earlier value if anything happened in between that a message's handling may depend on.
    pub(super) fn trace(&self) -> impl PartialEq + use<> {
        let counters = [self.slot_held, self.lagging, self.lost_answers, self.slips];
        let told = (self.parked.len(), self.mails.len(), self.report_that_fails);
        (self.clock, self.writes, counters, told)
    }

    pub(super) fn waiting_run(&self) -> Option<Run> {
        let waits = |run: &&Run| run.is_active() && !self.at_work.contains(&run.id);
        self.runs.iter().find(waits).cloned()
    }

    fn now(&mut self) -> DateTime<chrono::Utc> {
        self.clock += 1;
        DateTime::UNIX_EPOCH + TimeDelta::seconds(self.clock)
    }

    fn begin(&mut self, dates: String, etags: String) -> String {
        self.runs_before = self.runs.clone();
        let (id, started_at) = (format!("jr_{}", self.runs.len() + 1), self.now());
        let state = RunState::Active("RUNNING".to_owned());
        let (ended_at, error) = (None, None);
        let run =
            Run { id: id.clone(), state, dates, etags, started_at, ended_at, error, seconds: 0 };
        self.runs.push(run);
        id
    }

    pub(super) fn end(&mut self, id: &str, state: &str) {
        self.runs_before = self.runs.clone();
        let now = self.now();
        let run = self.runs.iter_mut().find(|run| run.id == id).unwrap();
        run.state = RunState::from_name(state);
        run.ended_at = Some(now);
    }

    fn put(&self, key: &str, text: &str) {
        ready(self.objects.put(key, text.into(), &Condition::Always));
    }

    pub(super) fn write_raw(&self, day: NaiveDate, name: &str) {
        self.put(&raw_key(day), name);
    }

    pub(super) fn keys(&self, prefix: &str) -> Vec<String> {
        ready(self.objects.list(prefix, None)).into_iter().map(|object| object.key).collect()
    }

    pub(super) fn raw(&self) -> BTreeMap<NaiveDate, ETag> {
        let raw = ready(self.objects.list(RawKey::PREFIX, None)).into_iter();
        raw.map(|object| (object.key.parse::<RawKey>().unwrap().date, object.etag)).collect()
    }

    pub(super) fn is_done(&self, day: NaiveDate, etag: &ETag) -> bool {
        ready(self.objects.head(&done_key(&(day, etag.clone())))).is_some()
    }

    /// Which run made each date's rows, as far as they are known to be what they should.
    pub(super) fn made_by(&self) -> BTreeSet<(String, NaiveDate)> {
        let done = self.raw().into_iter().filter_map(|done| {
            let Get::Bytes(said) = ready(self.objects.get(&done_key(&done), i64::MAX)) else {
                return None;
            };
            let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
            Some((said["run_id"].as_str()?.to_owned(), done.0))
        });
        done.collect()
    }

    pub(super) fn is_told(&self, run_id: &str) -> bool {
        let told = ready(self.objects.get(&format!("control/refine/told/{run_id}"), i64::MAX));
        matches!(told, Get::Bytes(text) if !text.is_empty())
    }

    fn forget(&self, day: NaiveDate) {
        for key in self.keys(&format!("control/refine/done/date={day}/")) {
            ready(self.objects.delete(&key));
        }
    }

    pub(super) fn ended_runs(&self) -> usize {
        self.runs.iter().filter(|run| !run.is_active()).count()
    }

    /// Whether the rows of a date are made from its raw object, and `done` says so.
    pub(super) fn is_refined(&self, day: NaiveDate) -> bool {
        let raw = &self.raw()[&day];
        self.is_done(day, raw)
            && self.rows.get(&day) == Some(&[Some(raw.clone()), Some(raw.clone())])
    }

    /// Decrements a counter; `false` at zero.
    fn counts_down(counter: &mut u32) -> bool {
        let counts = *counter > 0;
        *counter -= u32::from(counts);
        counts
    }

    /// A call of SNS or SQS.
    fn report(&mut self, operation: &'static str) -> Result<(), CallError> {
        match &mut self.report_that_fails {
            Some(0) => {
                self.report_that_fails = None;
                Err(failed(operation))
            }
            Some(calls) => {
                *calls -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn failed(operation: &'static str) -> CallError {
    CallError::new(operation, "", Cause::Unavailable, "scripted")
}
