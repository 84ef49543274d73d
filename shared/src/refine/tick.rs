//! The tick: makes the move that is due when no event makes it.

use super::{
    Moment,
    control::{Control, Run, RunState, Runs},
    finish::{FinishError, Finished, Reports, ended},
    lock::{Lock, Standing},
    pump::{Pumped, pump},
};
/// What a tick found to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticked {
    /// The end of a run was recorded, whose event was lost or not handled.
    Finished(Finished, Pumped),
    /// Nothing but perhaps a run to start.
    Pumped(Pumped),
    /// A run is going on.
    Active,
}

/// Looks at the lock, finishes what ended, and pumps.
///
/// # Errors
/// As [`ended`].
pub async fn tick(
    control: &impl Control,
    runs: &impl Runs,
    reports: &impl Reports,
    unique: &str,
    moment: Moment,
) -> Result<Ticked, FinishError> {
    let (lock, _) = control.lock().await?;
    let run_id = match lock.standing(moment) {
        Standing::Running(run_id) | Standing::HalfClosed(run_id) => run_id,
        Standing::Free | Standing::Held | Standing::StartUnknown(_) => {
            return Ok(Ticked::Pumped(pump(control, runs, unique, moment).await?));
        }
    };
    let run = match runs.get(&run_id).await? {
        Some(run) if matches!(run.state, RunState::Active(_)) => return Ok(Ticked::Active),
        Some(run) => run,
        // Glue may not show yet what it has just started.
        None if lock.holder.as_ref().is_some_and(|holder| holder.lease_until > moment.now) => {
            return Ok(Ticked::Active);
        }
        None => vanished(&lock, &run_id),
    };
    let (finished, pumped) = ended(control, runs, reports, &run, unique, moment).await?;
    Ok(Ticked::Finished(finished, pumped))
}

/// Glue forgets runs in the end, and jobs are deleted and made anew.
fn vanished(lock: &Lock, run_id: &str) -> Run {
    let holder = lock.holder.as_ref();
    let dates: Vec<_> = holder.iter().flat_map(|holder| holder.dates.keys()).collect();
    Run {
        id: run_id.to_owned(),
        state: RunState::Failed("UNKNOWN".to_owned()),
        dates: dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        claim_id: holder.map(|holder| holder.claim_id.clone()),
        error: Some("Glue does not know the run any more; its end was never reported".to_owned()),
        seconds: 0,
    }
}
