//! Records the end of a run.

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
    /// Notifies people and programs of the end of a run, of the dates that were parked, and of warnings about others.
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
    /// The newly reported runs, each with its parked dates.
    pub reported: Vec<(String, Vec<NaiveDate>)>,
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
/// If any call fails. Nothing is lost: the event is delivered again, and the tick also finds the run.
pub async fn ended(
    state: &impl State,
    reporter: &impl Reporter,
    runs: &[Run],
) -> Result<Ended, CallError> {
    let (mut reported, mut all_told) = (Vec::new(), Ok(()));
    for run in runs {
        if let Some((parked, listing)) = settle(state, reporter, run).await? {
            // A notification that cannot be sent must not delay the next run.
            all_told = all_told.and(tell(state, reporter, run, &parked, &listing).await);
            reported.push((run.id.clone(), parked));
        }
    }
    let reconciled = reconcile(state).await?;
    all_told.map(|()| Ended { reported, reconciled })
}

/// Marks and parks the dates that a run left unfinished. Returns the parked dates and the listing, or `None` if people
/// were already notified.
async fn settle(
    state: &impl State,
    reporter: &impl Reporter,
    run: &Run,
) -> Result<Option<(Vec<NaiveDate>, Listing)>, CallError> {
    let progress = told::progress(state, &run.id).await?;
    if progress == Progress::Told {
        return Ok(None);
    }
    let mut listing = Listing::read(state).await?;
    if progress == Progress::New {
        // Runs after the listing, so that they include any run that deleted a `done` since this one ended.
        let (at_once, others) = common_dates(run, &state.runs().await?);
        for done in listing.done.iter().filter(|done| at_once.contains(&done.0)) {
            failpoint::around("forget-done", state.bucket().delete(&done_key(done))).await?;
        }
        for mark in unfinished(run, &listing, &others) {
            if create(state, run, &mark).await? {
                listing.failed.insert(mark);
            }
        }
        let held = listing.held_by(&run.id);
        for mark in &held {
            park(state, reporter, run, mark).await?;
        }
        if !held.is_empty() {
            told::note(state, &run.id, Progress::Parked).await?;
        }
    }
    let parked = listing.held_by(&run.id).into_iter().map(|mark| mark.date).collect();
    Ok(Some((parked, listing)))
}

/// `false` if the mark exists: set by the job, or already emptied by a refine request.
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
    // The date is parked even without a cause.
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
    listing: &Listing,
) -> Result<(), CallError> {
    let warnings = warnings(state, run, listing).await?;
    reporter.publish(run, parked, &warnings).await?;
    told::note(state, &run.id, Progress::Told).await
}

/// Raw objects that a run was started for and did not refine, except dates that another run is responsible for. Also
/// for a run that succeeded without recording a date: otherwise runs would be started for that date forever.
fn unfinished(run: &Run, listing: &Listing, others: &BTreeSet<NaiveDate>) -> Vec<FailedMark> {
    let started_for = run.started_for();
    let unrefined = listing.unrefined().filter(|(date, etag)| {
        let target = started_for.get(date).filter(|_| !others.contains(date));
        // A run started by hand is for the current raw object.
        target.is_some_and(|target| target.as_ref().is_none_or(|target| target == *etag))
    });
    let run_id = || run.id.clone();
    unrefined
        .map(|(date, etag)| FailedMark { date, etag: etag.clone(), run_id: run_id() })
        .collect()
}

/// Two sets of dates that a run shares with others: with runs at the same time, so that the rows may come from either
/// run; and with all runs that ended after this one began, whose end decides about these dates.
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
