//! Recording the end of a run.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{
    listing::{Listing, Mark, done_key},
    reconcile::{Reconciled, reconcile},
    state::{Run, State},
};
use crate::{
    aws::{CallError, Objects as _},
    events::RefineRequest,
    failpoint,
    stage::readable,
};

const TOLD: &str = "control/refine/told/";

/// Where the end of a run is reported.
#[expect(async_fn_in_trait, reason = "callers that spawn know the concrete types")]
pub trait Reports: Sync {
    /// Notifies people and programs of how a run ended, and of which of its dates were parked.
    async fn publish(&self, run: &Run, parked: &[NaiveDate]) -> Result<(), CallError>;
    /// Puts a refine request on the dead-letter queue of the glue stage.
    async fn park(&self, request: &RefineRequest, run: &Run, cause: &str) -> Result<(), CallError>;
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The runs that were reported now, each with its parked dates.
    pub told: Vec<(String, Vec<NaiveDate>)>,
    /// The reconcile that followed.
    pub reconciled: Reconciled,
}

/// Records the ends of runs whose events were lost, and reconciles.
///
/// # Errors
/// As [`ended`].
pub async fn tick(state: &impl State, reports: &impl Reports) -> Result<Ended, CallError> {
    let known = people_know(state, "").await?;
    let mut runs = state.runs().await?;
    runs.retain(|run| !run.is_active() && !known.contains(&run.id));
    runs.reverse();
    ended(state, reports, &runs).await
}

/// Records the ends of runs, and reconciles.
///
/// # Errors
/// If any call fails. Nothing is lost: the event comes again, and the tick finds the end, too.
pub async fn ended(
    state: &impl State,
    reports: &impl Reports,
    runs: &[Run],
) -> Result<Ended, CallError> {
    let (mut told, mut all_told) = (Vec::new(), Ok(()));
    for run in runs {
        if let Some(parked) = settle(state, reports, run).await? {
            // The next dates do not wait for a notification that cannot be sent.
            all_told = all_told.and(tell(state, reports, run, &parked).await);
            told.push((run.id.clone(), parked));
        }
    }
    let reconciled = reconcile(state).await?;
    all_told.map(|()| Ended { told, reconciled })
}

/// The runs whose ends people were notified of, among those whose ids have this prefix.
///
/// # Errors
/// If S3 does not say.
pub async fn people_know(state: &impl State, run_id: &str) -> Result<BTreeSet<String>, CallError> {
    let told = state.lake().list(&format!("{TOLD}{run_id}")).await?.into_iter();
    let told = told.filter(|object| !object.is_empty);
    Ok(told.filter_map(|object| Some(object.key.strip_prefix(TOLD)?.to_owned())).collect())
}

/// Marks and parks what a run left unfinished. Returns the parked dates, or `None` if people were notified before.
async fn settle(
    state: &impl State,
    reports: &impl Reports,
    run: &Run,
) -> Result<Option<Vec<NaiveDate>>, CallError> {
    let key = format!("{TOLD}{}", run.id);
    let noted = state.lake().list(&key).await?.into_iter().find(|object| object.key == key);
    if noted.as_ref().is_some_and(|object| !object.is_empty) {
        return Ok(None);
    }
    let mut seen = Listing::read(state).await?;
    if noted.is_none() {
        // After the listing: a run that has deleted a `done` since this one ended is among the others.
        let (at_once, others) = common_dates(run, &state.runs().await?);
        for done in seen.done.iter().filter(|done| at_once.contains(&done.0)) {
            failpoint::around("forget-done", state.lake().delete(&done_key(done))).await?;
        }
        for mark in unfinished(run, &seen, &others) {
            let body = json!({"cause": run.cause()}).to_string();
            if failpoint::around("mark", state.lake().create(&mark.key(), &body)).await? {
                seen.failed.insert(mark);
            }
        }
        let held = seen.held_by(&run.id);
        for mark in &held {
            park(state, reports, run, mark).await?;
        }
        if !held.is_empty() {
            failpoint::around("set-told", state.lake().put(&key, "")).await?;
        }
    }
    Ok(Some(seen.held_by(&run.id).into_iter().map(|mark| mark.date).collect()))
}

async fn park(
    state: &impl State,
    reports: &impl Reports,
    run: &Run,
    mark: &Mark,
) -> Result<(), CallError> {
    let said: Value =
        serde_json::from_slice(&state.lake().read(&mark.key()).await?).unwrap_or_default();
    // Without a cause the date is parked all the same.
    let cause = said.get("cause").and_then(Value::as_str).unwrap_or("its mark gives no cause");
    let retry_of = Some(run.id.clone());
    let request = RefineRequest { date: mark.date, force: false, retry_of };
    reports.park(&request, run, &readable(cause)).await
}

async fn tell(
    state: &impl State,
    reports: &impl Reports,
    run: &Run,
    parked: &[NaiveDate],
) -> Result<(), CallError> {
    reports.publish(run, parked).await?;
    let key = format!("{TOLD}{}", run.id);
    failpoint::around("set-told", state.lake().put(&key, "told\n")).await
}

/// Raw objects that a run was started for and did not refine, unless another run answers for them. A run that succeeded
/// without recording a date is no exception: otherwise it would be started for that date for ever.
fn unfinished(run: &Run, seen: &Listing, others: &BTreeSet<NaiveDate>) -> Vec<Mark> {
    let started_for = run.started_for();
    let unrefined = seen.unrefined().filter(|(date, etag)| {
        let meant = started_for.get(date).filter(|_| !others.contains(date));
        // A run started by hand is for whatever is there.
        meant.is_some_and(|meant| meant.as_ref().is_none_or(|meant| meant == *etag))
    });
    let run_id = || run.id.clone();
    unrefined.map(|(date, etag)| Mark { date, etag: etag.clone(), run_id: run_id() }).collect()
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
