//! Starting a run for what is due.

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
