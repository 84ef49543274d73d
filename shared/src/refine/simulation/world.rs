//! The lake, Glue and the mailbox in memory. Every call is a step of the actor that makes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{
    super::{
        Moment,
        control::{Control, Done, Raw, RawFile, Run, RunState, Runs, Source, Version},
        finish::Reports,
        lock::{ClaimId, Lock},
    },
    explorer::Step,
};
use crate::{
    aws::{CallError, Cause},
    events::RefineRequest,
    lake::{LandingKey, Stamp},
    portfolio::ContentHash,
};

#[derive(Clone, Default)]
pub(super) struct World(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    pub(super) minutes: i64,
    pub(super) raw: BTreeMap<NaiveDate, Raw>,
    /// Dates whose raw file somebody else wrote.
    pub(super) foreign: BTreeSet<NaiveDate>,
    /// What the refined rows of each date were really made from.
    pub(super) refined: BTreeMap<NaiveDate, ContentHash>,
    pub(super) pendings: BTreeMap<NaiveDate, BTreeSet<Stamp>>,
    pub(super) done: BTreeMap<NaiveDate, Done>,
    pub(super) told: BTreeSet<String>,
    pub(super) lock: Lock,
    pub(super) lock_version: u32,
    pub(super) runs: Vec<Run>,
    /// Runs that have replaced the refined rows of their dates already.
    pub(super) at_work: BTreeSet<String>,
    /// How many runs Glue has started, but does not show yet.
    pub(super) not_shown: usize,
    /// The lock's how-manieth next write fails, without having been made.
    pub(super) lock_write_that_fails: Option<u32>,
    /// The how-manieth next call of SNS or SQS fails.
    pub(super) report_that_fails: Option<u32>,
    /// How many of the next starts work, but lose their answer.
    pub(super) lost_answers: u32,
    /// How many of the next runs fail.
    pub(super) failing_runs: u32,
    pub(super) parked: Vec<RefineRequest>,
    pub(super) mails: Vec<String>,
}

pub(super) fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

/// A landing object of that minute with that content.
pub(super) fn landing(day: u32, minute: u32, content: char) -> LandingKey {
    let hash: String = std::iter::repeat_n(content, 16).collect();
    let date = date(day);
    format!("landing/index=IBOV/date={date}/20261120T13{minute:02}00.000Z-{hash}.json")
        .parse()
        .unwrap()
}

impl World {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn moment(&self) -> Moment {
        let start: DateTime<Utc> = "2026-11-20T13:00:00Z".parse().unwrap();
        let now = start + TimeDelta::minutes(self.state().minutes);
        Moment { now, lease: TimeDelta::minutes(2) }
    }

    /// parquet-writer writes a raw file.
    pub(super) fn write_raw(&self, landing: &LandingKey) {
        let content = landing.stamp.content.clone();
        let mut state = self.state();
        let same = state.raw.get(&landing.date).filter(|raw| raw.source.content == content);
        let content_since = same.map_or(&landing.stamp, |raw| &raw.content_since).clone();
        let source = Source { landing_key: landing.clone(), content };
        state.raw.insert(landing.date, Raw { source, content_since });
        state.foreign.remove(&landing.date);
    }

    /// The active run, if any, reads raw and replaces refined rows: those of its first date only, if it
    /// will fail.
    pub(super) fn run_refines(&self) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(run) = state.runs.iter().find(|run| is_active(run)) else { return };
        if !state.at_work.insert(run.id.clone()) {
            return;
        }
        let dates = if state.failing_runs > 0 { 1 } else { usize::MAX };
        for day in run.dates.split(',').take(dates) {
            let day = day.parse().unwrap();
            if let Some(raw) = state.raw.get(&day) {
                state.refined.insert(day, raw.source.content.clone());
            }
        }
    }

    /// Glue ends the run that is active, if any, and gives it as it ended.
    pub(super) fn run_ends(&self) -> Option<Run> {
        self.run_refines();
        let mut guard = self.state();
        let state = &mut *guard;
        let run = state.runs.iter_mut().find(|run| is_active(run))?;
        if state.failing_runs > 0 {
            state.failing_runs -= 1;
            run.state = RunState::Failed("FAILED".to_owned());
            run.error = Some("scripted".to_owned());
        } else {
            run.state = RunState::Succeeded;
        }
        Some(run.clone())
    }

    async fn step(&self) {
        Step::default().await;
    }
}

fn is_active(run: &Run) -> bool {
    matches!(run.state, RunState::Active(_))
}

/// Counts down to a call that fails.
fn fails(counter: &mut Option<u32>, operation: &'static str) -> Result<(), CallError> {
    match counter {
        Some(0) => {
            *counter = None;
            Err(call_error(operation, Cause::Busy))
        }
        Some(left) => {
            *left -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

fn call_error(operation: &'static str, cause: Cause) -> CallError {
    CallError { operation, object: String::new(), cause, message: "scripted".to_owned() }
}

impl Control for World {
    async fn raw(&self, date: NaiveDate) -> Result<RawFile, CallError> {
        self.step().await;
        let state = self.state();
        if state.foreign.contains(&date) {
            return Ok(RawFile::Foreign { object: date.to_string() });
        }
        Ok(state.raw.get(&date).cloned().map_or(RawFile::Absent, RawFile::Ours))
    }

    async fn pendings(&self) -> Result<BTreeMap<NaiveDate, BTreeSet<Stamp>>, CallError> {
        self.step().await;
        Ok(self.state().pendings.clone())
    }

    async fn add_pending(&self, date: NaiveDate, stamp: &Stamp) -> Result<(), CallError> {
        self.step().await;
        self.state().pendings.entry(date).or_default().insert(stamp.clone());
        Ok(())
    }

    async fn delete_pending(&self, date: NaiveDate, stamp: &Stamp) -> Result<(), CallError> {
        self.step().await;
        let mut state = self.state();
        if let Some(stamps) = state.pendings.get_mut(&date) {
            stamps.remove(stamp);
            if stamps.is_empty() {
                state.pendings.remove(&date);
            }
        }
        Ok(())
    }

    async fn done(&self, date: NaiveDate) -> Result<Option<Done>, CallError> {
        self.step().await;
        Ok(self.state().done.get(&date).cloned())
    }

    async fn set_done(&self, date: NaiveDate, done: &Done) -> Result<(), CallError> {
        self.step().await;
        self.state().done.insert(date, done.clone());
        Ok(())
    }

    async fn forget_done(&self, date: NaiveDate) -> Result<(), CallError> {
        self.step().await;
        self.state().done.remove(&date);
        Ok(())
    }

    async fn is_told(&self, run_id: &str) -> Result<bool, CallError> {
        self.step().await;
        Ok(self.state().told.contains(run_id))
    }

    async fn set_told(&self, run_id: &str) -> Result<(), CallError> {
        self.step().await;
        self.state().told.insert(run_id.to_owned());
        Ok(())
    }

    async fn lock(&self) -> Result<(Lock, Version), CallError> {
        self.step().await;
        let state = self.state();
        let version = match state.lock_version {
            0 => Version::Absent,
            version => Version::ETag(version.to_string()),
        };
        Ok((state.lock.clone(), version))
    }

    async fn write_lock(
        &self,
        lock: &Lock,
        version: &Version,
    ) -> Result<Option<Version>, CallError> {
        self.step().await;
        let mut state = self.state();
        fails(&mut state.lock_write_that_fails, "PutObject")?;
        let current = match state.lock_version {
            0 => Version::Absent,
            version => Version::ETag(version.to_string()),
        };
        if current != *version {
            return Ok(None);
        }
        state.lock = lock.clone();
        state.lock_version += 1;
        Ok(Some(Version::ETag(state.lock_version.to_string())))
    }
}

impl Runs for World {
    async fn start(
        &self,
        claim_id: &ClaimId,
        dates: &BTreeSet<NaiveDate>,
    ) -> Result<String, CallError> {
        self.step().await;
        let mut state = self.state();
        if state.runs.iter().any(is_active) {
            return Err(call_error("StartJobRun", Cause::Busy));
        }
        let id = format!("jr_{}", state.runs.len() + 1);
        state.runs.push(Run {
            id: id.clone(),
            state: RunState::Active("RUNNING".to_owned()),
            dates: dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            claim_id: Some(claim_id.clone()),
            error: None,
            seconds: 0,
        });
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(call_error("StartJobRun", Cause::Unavailable));
        }
        Ok(id)
    }

    async fn get(&self, run_id: &str) -> Result<Option<Run>, CallError> {
        self.step().await;
        let state = self.state();
        let shown = state.runs.len() - state.not_shown;
        Ok(state.runs.iter().take(shown).find(|run| run.id == run_id).cloned())
    }

    async fn find(&self, claim_id: &ClaimId) -> Result<Option<Run>, CallError> {
        self.step().await;
        let state = self.state();
        Ok(state.runs.iter().rev().find(|run| run.claim_id.as_ref() == Some(claim_id)).cloned())
    }
}

impl Reports for World {
    async fn publish(&self, run: &Run) -> Result<(), CallError> {
        self.step().await;
        let mut state = self.state();
        fails(&mut state.report_that_fails, "Publish")?;
        state.mails.push(run.id.clone());
        Ok(())
    }

    async fn publish_unclaimed(&self, run: &Run) -> Result<(), CallError> {
        self.publish(run).await
    }

    async fn park(&self, request: &RefineRequest, _: &Run) -> Result<(), CallError> {
        self.step().await;
        let mut state = self.state();
        fails(&mut state.report_that_fails, "SendMessage")?;
        state.parked.push(request.clone());
        Ok(())
    }
}
