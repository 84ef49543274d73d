//! Starting a run for what is due.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{
    end::people_know,
    listing::{ETag, Listing, done_key},
    state::{Run, State},
};
use crate::{
    aws::{CallError, Objects as _},
    events::RefineRequest,
    failpoint,
};

/// The result of a reconcile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// A run was started for these raw objects.
    Started {
        /// The run.
        run_id: String,
        /// What it was started for.
        due: BTreeMap<NaiveDate, ETag>,
    },
    /// A run is active. Its end will reconcile.
    Active,
    /// Every date is refined, or is parked.
    NothingDue,
    /// Glue says that the job is busy, although no run of it is active, and there is no time left to wait.
    Busy,
}

/// Starts a run for what is due, unless one is active.
///
/// # Errors
/// If the lake cannot be listed, or Glue does not say whether it started a run: what is due stays due.
pub async fn reconcile(state: &impl State) -> Result<Reconciled, CallError> {
    loop {
        if state.runs().await?.iter().any(Run::is_active) {
            return Ok(Reconciled::Active);
        }
        let due = Listing::read(state).await?.due();
        if due.is_empty() {
            return Ok(Reconciled::NothingDue);
        }
        // Busy for some seconds after a run has ended, or with one that is not shown yet.
        match failpoint::around("start-run", state.start(&due)).await? {
            Some(run_id) => return Ok(Reconciled::Started { run_id, due }),
            None if state.pause().await => {}
            None => return Ok(Reconciled::Busy),
        }
    }
}

/// Why a refine request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing to refine.
    NoRawFile,
    /// This run might write `done` right after it was forgotten, or be blamed for not having written it.
    RunActive(String),
}

/// Applies refine requests, and reconciles once for all of them. The caller acknowledges afterwards.
///
/// # Errors
/// As [`reconcile`]: then all of them have to come again.
pub async fn answer(
    state: &impl State,
    requests: &[RefineRequest],
) -> Result<(BTreeMap<NaiveDate, Refusal>, Reconciled), CallError> {
    let mut refused = BTreeMap::new();
    if !requests.is_empty() {
        // Before the listing, so that no unknown run writes `done` after it.
        let active = unfinished_run(state).await?;
        let seen = Listing::read(state).await?;
        for RefineRequest { date, force, .. } in requests {
            if !seen.raw.contains_key(date) {
                refused.insert(*date, Refusal::NoRawFile);
            } else if let (true, Some(run_id)) = (force, &active) {
                refused.insert(*date, Refusal::RunActive(run_id.clone()));
            } else {
                take_up(state, &seen, *date, *force).await?;
            }
        }
    }
    Ok((refused, reconcile(state).await?))
}

async fn take_up(
    state: &impl State,
    seen: &Listing,
    date: NaiveDate,
    force: bool,
) -> Result<(), CallError> {
    for done in seen.done.iter().filter(|done| force && done.0 == date) {
        failpoint::around("forget-done", state.lake().delete(&done_key(done))).await?;
    }
    for mark in seen.failed.iter().filter(|mark| mark.date == date) {
        failpoint::around("empty-mark", state.lake().put(&mark.key(), "")).await?;
    }
    Ok(())
}

/// The newest run, unless it has ended and people were notified.
async fn unfinished_run(state: &impl State) -> Result<Option<String>, CallError> {
    let Some(run) = state.runs().await?.into_iter().next() else { return Ok(None) };
    let known = people_know(state, &run.id).await?;
    Ok((run.is_active() || !known.contains(&run.id)).then_some(run.id))
}
