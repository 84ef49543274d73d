//! The refine state: which dates want refining, which are being refined, which are.
//!
//! A Glue run refines many dates at once, only one run may be active, and everything around it comes
//! twice, late, in any order or not at all: events of raw files, answers of StartJobRun, events of runs.
//! So nothing here trusts an event. Events are hints to look; what is decided is decided from objects,
//! and these are ordered by the landing object that they stem from (its [`Stamp`]).
//!
//! # The objects
//!
//! | object | says |
//! |---|---|
//! | `raw/date=D/…` (its metadata) | what D's content is, and from which landing object |
//! | `control/refine/pending/date=D/<stamp>` | D wants refining at least up to this landing object |
//! | `control/refine/done/date=D.json` | what D's refined rows were made from; absent while a run is at them |
//! | `control/refine/told/<run id>` | somebody was told how this run ended |
//! | `control/refine/active.json` | the one lock: who refines what, and how far that is ([`Lock`]) |
//!
//! The lock is written on conditions only (its ETag), so one writer wins each change of it. It is never
//! deleted: a free lock is an object too.
//!
//! # The moves
//!
//! - **Noting** ([`note`]): a date whose raw content is not what `done` says becomes pending. Somebody may
//!   ask for it all the same ([`force`]), which forgets `done`.
//! - **Pumping** ([`pump`]): if the lock is free and something is pending, claim it (phase *starting*),
//!   forget `done`, start a run, and record its id (phase *running*). What is claimed is what raw holds
//!   at that moment.
//! - **Finishing** ([`ended`]): a run that ended is taken in (phase *closing*). Success: delete the
//!   pendings that are satisfied, write `done` for each date whose raw content has been the same ever
//!   since it was claimed, make the others pending again, publish. Failure: publish, delete the pendings, so
//!   that one bad date does not block the others, park a refine request for each date. Then free the
//!   lock, and pump.
//! - **The tick** ([`tick`]): looks at the lock and the pendings every quarter of an hour, and makes
//!   whichever move is due.
//!
//! # Why nothing is lost
//!
//! - A trigger writes its pending *before* it looks at the lock, and a finisher frees the lock *before*
//!   it lists the pendings. Whichever comes second sees the other. A finisher deletes pendings *before* it
//!   parks dates, so that it cannot delete what a quick redrive makes pending again.
//! - `done` is forgotten *before* a run starts, and written only if raw has held one content from the
//!   claim to the end (it says itself since when it does). Whatever a run has read or half written,
//!   content that changes, or changes back, is never taken for refined; nor is what a failed run left.
//! - A holder's lease outlives the invocation that took it. Once it has expired, the holder is dead, and
//!   its phase says what it may have done: *starting* may have started a run (look its claim id up among
//!   the runs before starting another), *closing* may have got anywhere (do all of it again; every step
//!   can be repeated), *running* needs nobody.
//! - A notification is published before `told` records that it was. It is sent twice if somebody dies in
//!   between, and never not at all. A run that is neither held nor told about was started by hand.

mod control;
mod finish;
mod glue_runs;
mod lock;
mod pump;
mod s3_control;
mod tick;

pub use control::{Control, Done, Raw, RawFile, Run, RunState, Runs, Source, Version};
pub use finish::{FinishError, Finished, Reports, ended};
pub use glue_runs::GlueRuns;
pub use lock::{ClaimId, Holder, Lock, Phase, Standing};
pub use pump::{MAX_DATES, Noted, Pumped, force, note, pump};
pub use s3_control::S3Control;
pub use tick::{Ticked, tick};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use crate::{aws::CallError, stage::Invocation};

/// Does the same for many dates, sixteen at a time: a year of dates has to fit into one invocation.
async fn many_at_once<W, T>(work: Vec<W>) -> Result<Vec<T>, CallError>
where
    W: Future<Output = Result<T, CallError>>,
{
    // One at a time where a crash is tried after every single call.
    const AT_ONCE: usize = if cfg!(test) { 1 } else { 16 };
    stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await
}

/// The time of a move, and how long whoever makes it may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By this machine's clock.
    pub now: DateTime<Utc>,
    /// Longer than the invocation can take, by more than clocks differ and by more than Glue takes to
    /// list a run that it started.
    pub lease: TimeDelta,
}

impl Moment {
    /// Now, for a move of `invocation`. Its lease outlives it by `grace`.
    #[must_use]
    pub fn of(invocation: &Invocation, grace: TimeDelta) -> Self {
        let remaining = invocation.ends.saturating_duration_since(Instant::now());
        let remaining = TimeDelta::from_std(remaining).unwrap_or(TimeDelta::MAX);
        Self { now: Utc::now(), lease: remaining.checked_add(&grace).unwrap_or(grace) }
    }

    fn lease_until(self) -> DateTime<Utc> {
        self.now + self.lease
    }
}

#[cfg(test)]
mod simulation;
