//! Taking in the end of a run.

use std::future::Future;

use chrono::NaiveDate;

use super::{
    Moment,
    control::{Control, Done, RawFile, Run, RunState, Runs},
    lock::{Holder, Lock, Phase},
    many_at_once,
    pump::{Pumped, pump},
};
use crate::{
    aws::CallError,
    events::RefineRequest,
    lake::{LandingKey, Stamp},
    stage::{Kind, StageError},
};

/// Who hears of a run's end.
pub trait Reports: Send + Sync {
    /// Tells people or programs how a run ended.
    fn publish(&self, run: &Run) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Tells people that a run failed which somebody started by hand.
    fn publish_unclaimed(&self, run: &Run) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Puts a refine request on the dead-letter queue of the glue stage, with the run's error as its cause.
    fn park(
        &self,
        request: &RefineRequest,
        run: &Run,
    ) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Why the end of a run was not taken in. Nothing is forgotten: it is done again when the event comes
/// again, or by the tick.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FinishError {
    /// The event, if there was one, is ahead of what Glue shows.
    #[error("the run has not ended yet: it is {state}")]
    NotEnded {
        /// The run.
        run_id: String,
        /// Its state.
        state: String,
    },
    /// Somebody else is recording the end of this run.
    #[error("somebody else is recording the end of this run")]
    Contended {
        /// The run.
        run_id: String,
    },
    /// The state cannot be read or written, nobody can be told, or the next run cannot be started.
    #[error(transparent)]
    Aws(#[from] CallError),
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for FinishError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotEnded { .. } | Self::Contended { .. } => Kind::Transient,
            Self::Aws(call) => call.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotEnded { .. } => "run-not-ended",
            Self::Contended { .. } => "run-contended",
            Self::Aws(call) => call.code(),
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::NotEnded { run_id, .. } | Self::Contended { run_id } => Some(run_id.clone()),
            Self::Aws(call) => Some(call.object.clone()),
        }
    }
}

/// Takes in the end of a run: records it, and starts the next run if something is pending.
///
/// # Errors
/// See [`FinishError`].
pub async fn ended(
    control: &impl Control,
    runs: &impl Runs,
    reports: &impl Reports,
    run: &Run,
    unique: &str,
    moment: Moment,
) -> Result<(Finished, Pumped), FinishError> {
    let finished = finish(control, reports, run, moment).await?;
    let pumped = pump(control, runs, unique, moment).await?;
    Ok((finished, pumped))
}

/// What recording the end of a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The run's end is recorded and the lock is free.
    Recorded,
    /// It was recorded before.
    RecordedBefore,
    /// Nobody claimed the run, somebody started it by hand, and it succeeded.
    Unclaimed,
    /// Somebody started it by hand, it failed, and an alert says so.
    UnclaimedFailure,
}

/// Records the end of a run: see the module for the order of its steps. Each can be repeated.
async fn finish(
    control: &impl Control,
    reports: &impl Reports,
    run: &Run,
    moment: Moment,
) -> Result<Finished, FinishError> {
    let contended = || FinishError::Contended { run_id: run.id.clone() };
    let well = match &run.state {
        RunState::Succeeded => true,
        RunState::Failed(_) => false,
        RunState::Active(state) => {
            return Err(FinishError::NotEnded { run_id: run.id.clone(), state: state.clone() });
        }
    };
    let (lock, version) = control.lock().await?;
    let Some(holder) = lock.holder_of(&run.id, run.claim_id.as_ref()) else {
        return Ok(unclaimed(control, reports, run).await?);
    };
    if holder.phase == Phase::Closing && holder.lease_until > moment.now {
        return Err(contended());
    }
    let holder = holder.closing(&run.id, moment);
    let Some(version) = control.write_lock(&Lock::held_by(&holder), &version).await? else {
        return Err(contended());
    };
    match well {
        true => succeeded(control, reports, run, &holder, moment).await?,
        false => failed(control, reports, run, &holder).await?,
    }
    let freed = control.write_lock(&Lock::free_after(&holder), &version).await?;
    freed.map(|_| Finished::Recorded).ok_or_else(contended)
}

/// A run that the lock does not know: its end was taken in before, or it is somebody else's run. Its end
/// is theirs to record, but a failure is everybody's to know.
async fn unclaimed(
    control: &impl Control,
    reports: &impl Reports,
    run: &Run,
) -> Result<Finished, CallError> {
    if control.is_told(&run.id).await? {
        return Ok(Finished::RecordedBefore);
    }
    match run.state {
        RunState::Failed(_) => {
            reports.publish_unclaimed(run).await?;
            control.set_told(&run.id).await?;
            Ok(Finished::UnclaimedFailure)
        }
        RunState::Succeeded | RunState::Active(_) => Ok(Finished::Unclaimed),
    }
}

async fn succeeded(
    control: &impl Control,
    reports: &impl Reports,
    run: &Run,
    holder: &Holder,
    moment: Moment,
) -> Result<(), CallError> {
    delete_satisfied(control, holder).await?;
    let record = holder.dates.iter().map(|(date, source)| async {
        let (run_id, claimed_at) = (run.id.clone(), holder.claimed_at);
        let done = Done { source: source.clone(), run_id, claimed_at, recorded_at: moment.now };
        match control.raw(*date).await? {
            // The run may have read either content.
            RawFile::Ours(raw) if !raw.has_been(source) => {
                control.add_pending(*date, raw.stamp()).await
            }
            RawFile::Ours(_) | RawFile::Absent => control.set_done(*date, &done).await,
            // What the run has read cannot be told. The file's own event is parked with that cause.
            RawFile::Foreign { .. } => Ok(()),
        }
    });
    many_at_once(record.collect()).await?;
    tell(control, reports, run).await
}

async fn failed(
    control: &impl Control,
    reports: &impl Reports,
    run: &Run,
    holder: &Holder,
) -> Result<(), CallError> {
    tell(control, reports, run).await?;
    // First, or it could delete what a redrive of a parked date makes pending. The lock knows the dates.
    delete_satisfied(control, holder).await?;
    let park = holder.dates.iter().map(|(date, source)| async {
        reports.park(&request(*date, &source.landing_key, run), run).await
    });
    many_at_once(park.collect()).await.map(drop)
}

/// Publishes, unless that was done when this end was recorded up to here before.
async fn tell(control: &impl Control, reports: &impl Reports, run: &Run) -> Result<(), CallError> {
    if !control.is_told(&run.id).await? {
        reports.publish(run).await?;
        control.set_told(&run.id).await?;
    }
    Ok(())
}

fn request(date: NaiveDate, landing: &LandingKey, run: &Run) -> RefineRequest {
    RefineRequest {
        date,
        landing_key: Some(landing.clone()),
        force: false,
        retry_of: Some(run.id.clone()),
    }
}

/// Deletes the pendings that the claim covers: those up to the landing object that was claimed.
async fn delete_satisfied(control: &impl Control, holder: &Holder) -> Result<(), CallError> {
    let pendings = control.pendings().await?;
    let satisfied = pendings.iter().flat_map(|(date, stamps)| {
        let claimed = holder.dates.get(date);
        let covered = move |stamp: &&Stamp| {
            claimed.is_some_and(|claimed| **stamp <= claimed.landing_key.stamp)
        };
        stamps.iter().filter(covered).map(|stamp| control.delete_pending(*date, stamp))
    });
    many_at_once(satisfied.collect()).await.map(drop)
}
