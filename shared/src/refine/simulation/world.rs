//! The lake, Glue and the mailbox in memory. Every call is a step of the actor that makes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::{DateTime, NaiveDate, TimeDelta};

use super::{
    super::{ETag, Mark, Reports, Run, State, listing::done_key},
    explorer::Step,
};
use crate::{
    aws::{CallError, Cause, Object, Objects},
    events::{RefineRequest, RunState},
    lake::FileName,
};

/// One actor's view of a world.
pub(super) struct World {
    lake: Arc<Mutex<Lake>>,
    file_name: FileName,
    /// How many runs had ended when this actor looked for active ones.
    ended_when_looked: Mutex<usize>,
}

#[derive(Default)]
pub(super) struct Lake {
    clock: i64,
    pub(super) raw: BTreeMap<NaiveDate, ETag>,
    /// The refined rows of each date, in two halves: what each was made of.
    pub(super) rows: BTreeMap<NaiveDate, [Option<ETag>; 2]>,
    pub(super) done: BTreeSet<(NaiveDate, ETag)>,
    /// The marks; `None` if empty.
    pub(super) failed: BTreeMap<Mark, Option<String>>,
    /// Whether people know how a run ended, or its dates are parked only.
    pub(super) told: BTreeMap<String, bool>,
    pub(super) runs: Vec<Run>,
    /// Runs as they were before the last change.
    runs_before: Vec<Run>,
    /// Runs whose job has begun to work.
    pub(super) at_work: BTreeSet<String>,
    pub(super) parked: Vec<RefineRequest>,
    /// Which runs people were told of, and what they were told to redrive.
    pub(super) mails: Vec<(String, Vec<NaiveDate>)>,

    /// Raw objects that the job cannot refine, and says so.
    pub(super) bad: BTreeSet<ETag>,
    /// Raw objects that kill the run.
    pub(super) deadly: BTreeSet<ETag>,
    /// The job succeeds without doing anything.
    pub(super) idle_job: bool,
    /// How often Glue still says that the job is busy, although no run is active.
    pub(super) slot_held: u32,
    /// Invocations have no time to wait.
    pub(super) hurry: bool,
    /// How many of the next looks at the runs show them as they were before the last change.
    pub(super) lagging: u32,
    /// How many of the next starts work, but lose their answer.
    pub(super) lost_answers: u32,
    /// How many of the next starts work although a run is active.
    pub(super) slips: u32,
    /// The how-manieth next call of SNS or SQS fails.
    pub(super) report_that_fails: Option<u32>,

    /// What nobody wants: a run for raw objects that are all refined already. That is not held against a starter while
    /// whose look a whole run went by: on AWS a run takes longer than that.
    pub(super) redundant: Vec<String>,
    /// What nobody wants: a run for a raw object that has failed, although nobody asked.
    pub(super) unasked: Vec<String>,
    /// Raw objects that failed since somebody asked for them.
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
    ETag::new(name)
}

impl World {
    pub(super) fn lake(&self) -> MutexGuard<'_, Lake> {
        self.lake.lock().unwrap()
    }

    /// The same world, seen by another actor.
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
        self.lake().raw.insert(date(day), etag(name));
    }

    /// A person starts a run, and says nothing of raw objects.
    pub(super) fn start_by_hand(&self, dates: &str) -> String {
        self.lake().begin(dates.to_owned(), String::new())
    }

    /// Does what the job does, with the oldest run that no job works for yet. Who drops this kills the run.
    pub(super) async fn work(&self) -> Option<Run> {
        let id = self.lake().waiting_run()?.id;
        self.lake().at_work.insert(id.clone());
        let alive = Alive { world: self, id: &id };
        let run = self.lake().run(&id);
        let mut well = true;
        if !self.lake().idle_job {
            for day in run.started_for().into_keys() {
                well &= self.refine(day, &id).await?;
            }
        }
        self.step().await.end(&id, if well { "SUCCEEDED" } else { "FAILED" });
        drop(alive);
        Some(self.lake().run(&id))
    }

    /// `None` if the run was killed by it.
    async fn refine(&self, day: NaiveDate, run_id: &str) -> Option<bool> {
        let Some(etag) = self.step().await.raw.get(&day).cloned() else { return Some(false) };
        if self.lake().deadly.contains(&etag) {
            return None;
        }
        if self.lake().bad.contains(&etag) {
            self.lake().failures.insert((day, etag.clone()));
            let mark = Mark { date: day, etag, run_id: run_id.to_owned() };
            let mut lake = self.step().await;
            lake.failed
                .entry(mark)
                .or_insert_with(|| Some(r#"{"cause":"the job's own"}"#.to_owned()));
            return Some(false);
        }
        self.step().await.forget(day);
        for half in 0..2 {
            self.step().await.rows.entry(day).or_default()[half] = Some(etag.clone());
        }
        self.step().await.done.insert((day, etag));
        Some(true)
    }
}

/// A run that ends with its job, however that ends.
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

    fn forget(&mut self, day: NaiveDate) {
        self.done.retain(|(date, _)| *date != day);
    }

    pub(super) fn ended_runs(&self) -> usize {
        self.runs.iter().filter(|run| !run.is_active()).count()
    }

    /// Whether the rows of a date are made of its raw object, and known to be.
    pub(super) fn is_refined(&self, day: NaiveDate) -> bool {
        let raw = &self.raw[&day];
        self.done.contains(&(day, raw.clone()))
            && self.rows.get(&day) == Some(&[Some(raw.clone()), Some(raw.clone())])
    }

    fn counts_down(counter: &mut u32) -> bool {
        let counts = *counter > 0;
        *counter -= u32::from(counts);
        counts
    }

    /// One more call of SNS or SQS.
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
    let (object, message) = (String::new(), "scripted".to_owned());
    CallError { operation, object, cause: Cause::Unavailable, message }
}

/// The lake's objects by their keys.
impl Objects for World {
    async fn list(&self, prefix: &str) -> Result<Vec<Object>, CallError> {
        let lake = self.step().await;
        let raw = lake.raw.iter().map(|(day, etag)| {
            let key = format!("raw/date={day}/{FILE_NAME}");
            Object { key, etag: etag.to_string(), is_empty: false }
        });
        let done = lake.done.iter().map(|done| (done_key(done), false));
        let failed = lake.failed.iter().map(|(mark, cause)| (mark.key(), cause.is_none()));
        let told = lake.told.iter();
        let told = told.map(|(id, people)| (format!("control/refine/told/{id}"), !people));
        let notes = done.chain(failed).chain(told);
        let notes = notes.map(|(key, is_empty)| Object { key, etag: String::new(), is_empty });
        Ok(raw.chain(notes).filter(|object| object.key.starts_with(prefix)).collect())
    }

    async fn create(&self, key: &str, body: &str) -> Result<bool, CallError> {
        let mut lake = self.step().await;
        let mark = Mark::parse(key).unwrap();
        let new = !lake.failed.contains_key(&mark);
        lake.failures.insert((mark.date, mark.etag.clone()));
        lake.failed.entry(mark).or_insert_with(|| Some(body.to_owned()));
        Ok(new)
    }

    async fn put(&self, key: &str, body: &str) -> Result<(), CallError> {
        let mut lake = self.step().await;
        if let Some(run_id) = key.strip_prefix("control/refine/told/") {
            lake.told.insert(run_id.to_owned(), !body.is_empty());
            return Ok(());
        }
        let mark = Mark::parse(key).unwrap();
        assert!(body.is_empty(), "a mark that is written again may be one that was emptied");
        lake.failures.retain(|(day, _)| *day != mark.date);
        lake.failed.insert(mark, None);
        Ok(())
    }

    async fn read(&self, key: &str) -> Result<Vec<u8>, CallError> {
        let lake = self.step().await;
        Ok(lake.failed[&Mark::parse(key).unwrap()].clone().unwrap_or_default().into_bytes())
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        self.step().await.done.retain(|done| done_key(done) != key);
        Ok(())
    }
}

impl State for World {
    type Lake = Self;

    fn lake(&self) -> &Self {
        self
    }

    fn file_name(&self) -> &FileName {
        &self.file_name
    }

    async fn runs(&self) -> Result<Vec<Run>, CallError> {
        let mut lake = self.step().await;
        *self.ended_when_looked.lock().unwrap() = lake.ended_runs();
        let lags = Lake::counts_down(&mut lake.lagging);
        let mut runs = if lags { lake.runs_before.clone() } else { lake.runs.clone() };
        runs.reverse();
        Ok(runs)
    }

    async fn start(&self, due: &BTreeMap<NaiveDate, ETag>) -> Result<Option<String>, CallError> {
        let mut lake = self.step().await;
        let active = lake.runs.iter().any(Run::is_active);
        if active && !Lake::counts_down(&mut lake.slips) {
            return Ok(None);
        }
        if Lake::counts_down(&mut lake.slot_held) {
            return Ok(None);
        }
        let listed = |items: Vec<String>| items.join(",");
        let id = lake.begin(
            listed(due.keys().map(ToString::to_string).collect()),
            listed(due.values().map(ToString::to_string).collect()),
        );
        let in_time = !active && lake.ended_runs() == *self.ended_when_looked.lock().unwrap();
        let due: Vec<_> = due.iter().map(|(day, etag)| (*day, etag.clone())).collect();
        if in_time && due.iter().all(|due| lake.done.contains(due)) {
            lake.redundant.push(id.clone());
        }
        if in_time && due.iter().any(|due| lake.failures.contains(due)) {
            lake.unasked.push(id.clone());
        }
        if Lake::counts_down(&mut lake.lost_answers) {
            return Err(failed("StartJobRun"));
        }
        Ok(Some(id))
    }

    async fn pause(&self) -> bool {
        !self.step().await.hurry
    }
}

impl Reports for World {
    async fn publish(&self, run: &Run, parked: &[NaiveDate]) -> Result<(), CallError> {
        let mut lake = self.step().await;
        lake.report("Publish")?;
        lake.mails.push((run.id.clone(), parked.to_vec()));
        Ok(())
    }

    async fn park(&self, request: &RefineRequest, _: &Run, cause: &str) -> Result<(), CallError> {
        let mut lake = self.step().await;
        lake.report("SendMessage")?;
        assert!(!cause.contains("no cause"), "parked without a cause");
        lake.parked.push(request.clone());
        Ok(())
    }
}
