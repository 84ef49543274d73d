//! Refine requests, sent by people or redriven.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use shared::{
    aws::{Bucket as _, CallError, Condition},
    events::RefineRequest,
    failpoint,
};

use crate::{
    listing::{Listing, done_key},
    reconcile::{Reconciled, reconcile},
    state::State,
    told::told,
};

/// Why a refine request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoRawFile,
    /// This run might write `done` right after the request deleted it, or be blamed for not having written it.
    RunActive(String),
}

/// Applies refine requests, and reconciles once for all of them. The caller acknowledges the messages afterwards.
///
/// # Errors
/// As [`reconcile`]: all requests have to be delivered again.
pub async fn answer(
    state: &impl State,
    requests: &[RefineRequest],
) -> Result<(BTreeMap<NaiveDate, Refusal>, Reconciled), CallError> {
    let mut refused = BTreeMap::new();
    if !requests.is_empty() {
        // Runs before the listing, so that no unknown run writes `done` after the listing.
        let active = unfinished_run(state).await?;
        let listing = Listing::read(state).await?;
        for RefineRequest { date, force, .. } in requests {
            if !listing.raw.contains_key(date) {
                refused.insert(*date, Refusal::NoRawFile);
            } else if let (true, Some(run_id)) = (force, &active) {
                refused.insert(*date, Refusal::RunActive(run_id.clone()));
            } else {
                apply(state, &listing, *date, *force).await?;
            }
        }
    }
    Ok((refused, reconcile(state).await?))
}

/// Makes a date due: empties its marks, and with `force` also deletes its `done`.
async fn apply(
    state: &impl State,
    listing: &Listing,
    date: NaiveDate,
    force: bool,
) -> Result<(), CallError> {
    for done in listing.done.iter().filter(|done| force && done.0 == date) {
        failpoint::around("forget-done", state.bucket().delete(&done_key(done))).await?;
    }
    for mark in listing.failed.iter().filter(|mark| mark.date == date) {
        let key = mark.key();
        let empty = state.bucket().put(&key, "".into(), &Condition::Always);
        failpoint::around("empty-mark", empty).await?;
    }
    Ok(())
}

/// The newest run, unless it has ended and people were notified of that.
async fn unfinished_run(state: &impl State) -> Result<Option<String>, CallError> {
    let Some(run) = state.runs().await?.into_iter().next() else { return Ok(None) };
    let known = told(state, &run.id).await?;
    Ok((run.is_active() || !known.contains(&run.id)).then_some(run.id))
}
