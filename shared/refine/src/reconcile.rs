//! Starts a run for what is due.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use shared::{
    aws::{CallError, ETag},
    failpoint,
};

use crate::{listing::Listing, run::Run, state::State};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    Started {
        run_id: String,
        due: BTreeMap<NaiveDate, ETag>,
    },
    /// A run is active. Its end will reconcile.
    Active,
    /// Every date is refined or parked.
    NothingDue,
    /// Glue says that the job is busy, although no run is active, and there is no time left to wait.
    Busy,
}

/// Starts a run for what is due, unless a run is active.
///
/// # Errors
/// If the lake cannot be listed, or Glue's answer is lost. Nothing is lost by that: what is due stays due.
pub async fn reconcile(state: &impl State) -> Result<Reconciled, CallError> {
    loop {
        if state.runs().await?.iter().any(Run::is_active) {
            return Ok(Reconciled::Active);
        }
        let due = Listing::read(state).await?.due();
        if due.is_empty() {
            return Ok(Reconciled::NothingDue);
        }
        // The job stays busy for some seconds after the end of a run, or a new run is not listed yet.
        match failpoint::around("start-run", state.start(&due)).await? {
            Some(run_id) => return Ok(Reconciled::Started { run_id, due }),
            None if state.pause().await => {}
            None => return Ok(Reconciled::Busy),
        }
    }
}
