//! Noting that a date wants refining, and starting a run for what is noted.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Moment,
    control::{Control, Raw, RawFile, Runs, Source, Version},
    lock::{ClaimId, Holder, Lock, Standing},
    many_at_once,
};
use crate::{
    aws::{CallError, Cause},
    lake::Stamp,
};

/// The most dates of one run: what an argument of a run has room for, and a year and a day.
pub const MAX_DATES: usize = 366;

/// What became of a hint about a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is pending.
    Pending,
    /// Its content is refined.
    AlreadyRefined,
    /// It has no raw file.
    NoRawFile,
    /// Its raw file is not parquet-writer's.
    ForeignRawFile {
        /// Its URI.
        object: String,
    },
}

/// Makes a date pending unless its content is refined.
///
/// # Errors
/// If the state cannot be read or written.
pub async fn note(control: &impl Control, date: NaiveDate) -> Result<Noted, CallError> {
    let raw = match control.raw(date).await? {
        RawFile::Absent => return Ok(Noted::NoRawFile),
        RawFile::Foreign { object } => return Ok(Noted::ForeignRawFile { object }),
        RawFile::Ours(raw) => raw,
    };
    if is_refined(control, date, &raw).await? {
        return Ok(Noted::AlreadyRefined);
    }
    control.add_pending(date, raw.stamp()).await?;
    Ok(Noted::Pending)
}

/// Somebody wants a date refined although its content may be: forgets that it is, unless it was claimed
/// after they had asked, at `asked_at`. Then that run is their answer.
///
/// # Errors
/// If the state cannot be read or written.
pub async fn force(
    control: &impl Control,
    date: NaiveDate,
    asked_at: Option<DateTime<Utc>>,
) -> Result<(), CallError> {
    let Some(done) = control.done(date).await? else { return Ok(()) };
    match asked_at {
        Some(asked_at) if asked_at < done.claimed_at => Ok(()),
        Some(_) | None => control.forget_done(date).await,
    }
}

async fn is_refined(control: &impl Control, date: NaiveDate, raw: &Raw) -> Result<bool, CallError> {
    let done = control.done(date).await?;
    Ok(done.is_some_and(|done| done.source.content == raw.source.content))
}

/// What pumping came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// A run was started, or one that had been started was found again.
    Running(Holder),
    /// Somebody else is at it and will pump when done.
    Held,
    /// Nothing is pending.
    Idle,
}

/// Starts a run for what is pending, if nobody is refining. `unique` names the claim.
///
/// # Errors
/// If the state cannot be read or written, or Glue does not start the run; the dates stay pending.
pub async fn pump(
    control: &impl Control,
    runs: &impl Runs,
    unique: &str,
    moment: Moment,
) -> Result<Pumped, CallError> {
    let (lock, version) = control.lock().await?;
    match lock.standing(moment) {
        Standing::Free => claim(control, runs, unique, moment, &version).await,
        Standing::StartUnknown(holder) => resume(control, runs, &holder, moment, &version).await,
        Standing::Held | Standing::Running(_) | Standing::HalfClosed(_) => Ok(Pumped::Held),
    }
}

async fn claim(
    control: &impl Control,
    runs: &impl Runs,
    unique: &str,
    moment: Moment,
    version: &Version,
) -> Result<Pumped, CallError> {
    let dates = claimable(control).await?;
    if dates.is_empty() {
        return Ok(Pumped::Idle);
    }
    let holder = Holder::starting(ClaimId::new(unique), dates, moment);
    let lock = Lock::held_by(&holder);
    let Some(version) = control.write_lock(&lock, version).await? else {
        return Ok(Pumped::Held);
    };
    match start(control, runs, &holder).await {
        Ok(run_id) => record(control, &holder, &run_id, moment, &version).await,
        Err(error) if may_have_started(&error) => Err(error),
        Err(error) => {
            // Nobody refines: whoever comes next need not wait for the lease.
            control.write_lock(&Lock::free_after(&holder), &version).await?;
            Err(error)
        }
    }
}

/// What the pending dates hold now. Pendings that are satisfied, or whose raw file is gone, are deleted.
async fn claimable(control: &impl Control) -> Result<BTreeMap<NaiveDate, Source>, CallError> {
    let pendings = control.pendings().await?;
    let looks = pendings.iter().take(MAX_DATES).map(|(date, stamps)| async {
        let raw = match control.raw(*date).await? {
            // Its own event is parked with that cause. The other dates do not wait for it.
            RawFile::Foreign { object } => {
                let date = date.to_string();
                tracing::warn!(
                    date,
                    object,
                    "a pending date whose raw file is not ours is left out"
                );
                return Ok(None);
            }
            RawFile::Ours(raw) if !is_refined(control, *date, &raw).await? => {
                return Ok(Some((*date, raw.source)));
            }
            RawFile::Ours(raw) => Some(raw),
            RawFile::Absent => None,
        };
        let satisfied = |stamp: &&Stamp| raw.as_ref().is_none_or(|raw| *stamp <= raw.stamp());
        for stamp in stamps.iter().filter(satisfied) {
            control.delete_pending(*date, stamp).await?;
        }
        Ok(None)
    });
    let dates = many_at_once(looks.collect()).await?;
    Ok(dates.into_iter().flatten().collect())
}

/// Takes over a claim whose holder died while starting. The run may exist.
async fn resume(
    control: &impl Control,
    runs: &impl Runs,
    holder: &Holder,
    moment: Moment,
    version: &Version,
) -> Result<Pumped, CallError> {
    let holder = holder.renewed(moment);
    let lock = Lock::held_by(&holder);
    let Some(version) = control.write_lock(&lock, version).await? else {
        return Ok(Pumped::Held);
    };
    match runs.find(&holder.claim_id).await? {
        Some(run) => record(control, &holder, &run.id, moment, &version).await,
        // A job that is busy may be busy with this claim's run, not listed yet: the lock stays taken.
        None => {
            let run_id = start(control, runs, &holder).await?;
            record(control, &holder, &run_id, moment, &version).await
        }
    }
}

/// From here on refined rows are what no `done` knows: the run may replace some and then fail.
async fn start(
    control: &impl Control,
    runs: &impl Runs,
    holder: &Holder,
) -> Result<String, CallError> {
    let forget = holder.dates.keys().map(|date| control.forget_done(*date));
    many_at_once(forget.collect()).await?;
    runs.start(&holder.claim_id, &holder.dates.keys().copied().collect()).await
}

async fn record(
    control: &impl Control,
    holder: &Holder,
    run_id: &str,
    moment: Moment,
    version: &Version,
) -> Result<Pumped, CallError> {
    let holder = holder.running(run_id, moment);
    // If the lock has moved on, the run has ended already and somebody is recording that.
    control.write_lock(&Lock::held_by(&holder), version).await?;
    Ok(Pumped::Running(holder))
}

/// Whether Glue may have started a run although it did not say so.
fn may_have_started(error: &CallError) -> bool {
    match error.cause {
        Cause::Unavailable | Cause::Unknown => true,
        Cause::NotFound
        | Cause::Conflict
        | Cause::Busy
        | Cause::Credentials
        | Cause::Denied
        | Cause::Invalid => false,
    }
}
