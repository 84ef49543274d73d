//! Recording the end of a run.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};
use shared::{
    aws::{Bucket as _, CallError, Cause, Condition, Get},
    events::RefineRequest,
    failpoint,
    failure::readable,
};

use crate::{
    listing::{FailedMark, Listing, done_key},
    reconcile::{Reconciled, reconcile},
    run::Run,
    state::State,
    told::{self, Progress, told},
    warnings::{Warnings, warnings},
};

#[expect(async_fn_in_trait, reason = "nothing is spawned")]
pub trait Reporter {
    /// Notifies people and programs of how a run ended, which of its dates were parked, and what is odd about others.
    async fn publish(
        &self,
        run: &Run,
        parked: &[NaiveDate],
        warnings: &Warnings,
    ) -> Result<(), CallError>;
    /// Puts a refine request on the dead-letter queue of the glue stage.
    async fn park(&self, request: &RefineRequest, run: &Run, cause: &str) -> Result<(), CallError>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The runs that were reported now, each with its parked dates.
    pub reported: Vec<(String, Vec<NaiveDate>)>,
    /// The reconcile that followed.
    pub reconciled: Reconciled,
}

/// Records the ends of runs whose events were lost, and reconciles.
///
/// # Errors
/// As [`ended`].
pub async fn tick(state: &impl State, reporter: &impl Reporter) -> Result<Ended, CallError> {
    let known = told(state, "").await?;
    let mut runs = state.runs().await?;
    runs.retain(|run| !run.is_active() && !known.contains(&run.id));
    runs.reverse();
    ended(state, reporter, &runs).await
}

/// Records the ends of runs, and reconciles.
///
/// # Errors
/// If any call fails. Nothing is lost: the event comes again, and the tick finds the end, too.
pub async fn ended(
    state: &impl State,
    reporter: &impl Reporter,
    runs: &[Run],
) -> Result<Ended, CallError> {
    let (mut reported, mut all_told) = (Vec::new(), Ok(()));
    for run in runs {
        if let Some((parked, seen)) = settle(state, reporter, run).await? {
            // The next dates do not wait for a notification that cannot be sent.
            all_told = all_told.and(tell(state, reporter, run, &parked, &seen).await);
            reported.push((run.id.clone(), parked));
        }
    }
    let reconciled = reconcile(state).await?;
    all_told.map(|()| Ended { reported, reconciled })
}

/// Marks and parks what a run left unfinished. Returns the parked dates and what lies in the lake, or `None` if people were
/// notified before.
async fn settle(
    state: &impl State,
    reporter: &impl Reporter,
    run: &Run,
) -> Result<Option<(Vec<NaiveDate>, Listing)>, CallError> {
    let progress = told::progress(state, &run.id).await?;
    if progress == Progress::Told {
        return Ok(None);
    }
    let mut seen = Listing::read(state).await?;
    if progress == Progress::New {
        // After the listing: a run that has deleted a `done` since this one ended is among the others.
        let (at_once, others) = common_dates(run, &state.runs().await?);
        for done in seen.done.iter().filter(|done| at_once.contains(&done.0)) {
            failpoint::around("forget-done", state.bucket().delete(&done_key(done))).await?;
        }
        for mark in unfinished(run, &seen, &others) {
            if create(state, run, &mark).await? {
                seen.failed.insert(mark);
            }
        }
        let held = seen.held_by(&run.id);
        for mark in &held {
            park(state, reporter, run, mark).await?;
        }
        if !held.is_empty() {
            told::note(state, &run.id, Progress::Parked).await?;
        }
    }
    let parked = seen.held_by(&run.id).into_iter().map(|mark| mark.date).collect();
    Ok(Some((parked, seen)))
}

/// `false` if the job has set the mark itself, or a refine request has emptied it.
async fn create(state: &impl State, run: &Run, mark: &FailedMark) -> Result<bool, CallError> {
    let body = json!({"cause": run.cause()}).to_string();
    let key = mark.key();
    let put = state.bucket().put(&key, body.as_str().into(), &Condition::Absent);
    match failpoint::around("mark", put).await {
        Ok(()) => Ok(true),
        Err(error) if error.cause == Cause::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

async fn park(
    state: &impl State,
    reporter: &impl Reporter,
    run: &Run,
    mark: &FailedMark,
) -> Result<(), CallError> {
    const MAX_BYTES: i64 = 1024 * 1024;
    let body = match state.bucket().get(&mark.key(), MAX_BYTES).await? {
        Get::Bytes(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Get::Absent | Get::TooLarge { .. } => Value::Null,
    };
    // Without a cause the date is parked all the same.
    let cause = body.get("cause").and_then(Value::as_str).unwrap_or("its mark gives no cause");
    let retry_of = Some(run.id.clone());
    let request = RefineRequest { date: mark.date, force: false, retry_of };
    reporter.park(&request, run, &readable(cause)).await
}

async fn tell(
    state: &impl State,
    reporter: &impl Reporter,
    run: &Run,
    parked: &[NaiveDate],
    seen: &Listing,
) -> Result<(), CallError> {
    let warnings = warnings(state, run, seen).await?;
    reporter.publish(run, parked, &warnings).await?;
    told::note(state, &run.id, Progress::Told).await
}

/// Raw objects that a run was started for and did not refine, unless another run answers for them. A run that succeeded
/// without recording a date is no exception: otherwise it would be started for that date for ever.
fn unfinished(run: &Run, seen: &Listing, others: &BTreeSet<NaiveDate>) -> Vec<FailedMark> {
    let started_for = run.started_for();
    let unrefined = seen.unrefined().filter(|(date, etag)| {
        let meant = started_for.get(date).filter(|_| !others.contains(date));
        // A run started by hand is for whatever is there.
        meant.is_some_and(|meant| meant.as_ref().is_none_or(|meant| meant == *etag))
    });
    let run_id = || run.id.clone();
    unrefined
        .map(|(date, etag)| FailedMark { date, etag: etag.clone(), run_id: run_id() })
        .collect()
}

/// Dates that a run has in common with a run at the same time, so that the rows may be of either; and with any run that
/// ended after this one began, so that the other's end decides about them.
fn common_dates(run: &Run, all: &[Run]) -> (BTreeSet<NaiveDate>, BTreeSet<NaiveDate>) {
    let dates = run.started_for();
    let (mut at_once, mut others) = (BTreeSet::new(), BTreeSet::new());
    for other in all.iter().filter(|other| other.id != run.id && run.began_in_time_of(other)) {
        let common = other.started_for().into_keys().filter(|date| dates.contains_key(date));
        let common: BTreeSet<_> = common.collect();
        at_once.extend(common.iter().filter(|_| other.began_in_time_of(run)));
        others.extend(common);
    }
    (at_once, others)
}
