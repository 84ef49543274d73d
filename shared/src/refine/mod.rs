//! What is due: the raw objects that no run has refined yet, as a difference of two listings.
//!
//! Events of raw files and of runs come twice, late, in any order or not at all. Here they are hints to look; what is due is
//! in the lake, for anybody to list:
//!
//! | object | says | written by |
//! |---|---|---|
//! | `raw/date=D/…` | D's rows. Its ETag never repeats, since its footer names its landing object | parquet-writer |
//! | `control/refine/done/date=D/<etag>` | D's refined rows are made of this raw object | the job |
//! | `control/refine/failed/date=D/<etag>/<run>` | this raw object failed in this run; empty: somebody asked for it since | the job, glue-notifier |
//! | `control/refine/told/<run>` | people know how this run ended; empty: its dates are parked, people do not know yet | glue-notifier |
//!
//! A date is due if its raw object is neither in `done` nor in a `failed` mark that is not empty. Who may start a run is said
//! by Glue, which runs the job once at a time. In the moves ([`reconcile`], [`answer`], [`ended`], [`tick`]) order matters:
//!
//! - The job deletes D's `done` before it changes D's rows, and writes it afterwards, with the ETag of the bytes it read.
//! - Who takes in the end of a run marks what the run left unfinished, parks it, tells people, says so in `told`, and looks
//!   what is due. A step that is lost is made up for by the next event or tick. A mark is created once and then only
//!   emptied, so that a late event cannot take back what somebody asked for; it expires before the parked request does.
//! - What a run was not started for is not its failure: a raw object that has been replaced since is due by itself.
//! - Two runs at once, should Glue allow that, make the rows of their common dates worthless: `done` of these is forgotten
//!   before the end of either is told.

mod aws;
mod end;
mod listing;
mod reconcile;
mod state;

pub use aws::AwsState;
pub use end::{Ended, Reports, ended, people_know, tick};
pub use listing::{ETag, Listing, MAX_DATES, Mark};
pub use reconcile::{Reconciled, Refusal, answer, reconcile};
pub use state::{Run, State};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
