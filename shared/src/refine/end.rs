//! Taking in the end of a run.

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

/// Who hears of a run's end.
#[expect(async_fn_in_trait, reason = "who spawns a move knows what it is made with")]
pub trait Reports: Sync {
    /// Tells people and programs how a run ended, and which dates of it wait in the dead-letter queue.
    async fn publish(&self, run: &Run, parked: &[NaiveDate]) -> Result<(), CallError>;
    /// Puts a refine request on the dead-letter queue of the glue stage.
    async fn park(&self, request: &RefineRequest, run: &Run, cause: &str) -> Result<(), CallError>;
}

/// What taking in ends came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The runs of whose ends people did not know, and the dates of each that were parked.
    pub told: Vec<(String, Vec<NaiveDate>)>,
    /// What was done next.
    pub reconciled: Reconciled,
}

/// Takes in the ends of runs whose events were lost, and starts a run if something is due.
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

/// Takes in the ends of runs, and starts the next one if something is due.
///
/// # Errors
/// If any call fails. Nothing is forgotten: it is done again when the event comes again, or by the tick.
pub async fn ended(
    state: &impl State,
    reports: &impl Reports,
    runs: &[Run],
) -> Result<Ended, CallError> {
    let (mut told, mut all_told) = (Vec::new(), Ok(()));
    for run in runs {
        if let Some(parked) = settle(state, reports, run).await? {
            // Whom the mail does not reach must not keep the next dates waiting.
            all_told = all_told.and(tell(state, reports, run, &parked).await);
            told.push((run.id.clone(), parked));
        }
    }
    let reconciled = reconcile(state).await?;
    all_told.map(|()| Ended { told, reconciled })
}

/// The runs, of those whose ids begin so, of whose ends people know.
///
/// # Errors
/// If S3 does not say.
pub async fn people_know(state: &impl State, run_id: &str) -> Result<BTreeSet<String>, CallError> {
    let told = state.lake().list(&format!("{TOLD}{run_id}")).await?.into_iter();
    let told = told.filter(|object| !object.is_empty);
    Ok(told.filter_map(|object| Some(object.key.strip_prefix(TOLD)?.to_owned())).collect())
}

/// Marks and parks what a run left unfinished, and gives the dates that are parked; `None` if people know of its end.
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
        // After the listing: whoever has deleted a `done` since this run ended is among the others.
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
    // For people; the date is parked all the same.
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

/// What a run did not refine although it was started for it, and no other run was. One that says it succeeded, but did not
/// record it, is no exception: it would be started for the same dates for ever.
fn unfinished(run: &Run, seen: &Listing, others: &BTreeSet<NaiveDate>) -> Vec<Mark> {
    let started_for = run.started_for();
    let unrefined = seen.unrefined().filter(|(date, etag)| {
        let meant = started_for.get(date).filter(|_| !others.contains(date));
        // A person who starts a run means what is there.
        meant.is_some_and(|meant| meant.as_ref().is_none_or(|meant| meant == *etag))
    });
    let run_id = || run.id.clone();
    unrefined.map(|(date, etag)| Mark { date, etag: etag.clone(), run_id: run_id() }).collect()
}

/// The dates of a run that another run worked at, at the same time: nobody knows whose rows are in place. And these with
/// those that a later run was started for: it is for that run's end to say what became of them.
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
