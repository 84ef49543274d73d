//! What is due: the raw objects that no run has refined yet, as a difference of two listings.
//!
//! Events of raw files and of runs come twice, late, in any order or not at all. They are hints to look; what is due is in
//! the lake and can be listed at any time:
//!
//! | object | says | written by |
//! |---|---|---|
//! | `raw/date=D/…` | D's rows. Its ETag never repeats, since its footer names its landing object | parquet-writer |
//! | `control/refine/done/date=D/<etag>` | D's refined rows are made of this raw object, and what is odd about them | the job |
//! | `control/refine/failed/date=D/<etag>/<run>` | this raw object failed in this run; empty: a refine request revived it | the job, glue-notifier |
//! | `control/refine/told/<run>` | people were notified of this run's end; empty: its dates are parked, the notification is still due | glue-notifier |
//!
//! A date is due if its raw object is neither in `done` nor in a `failed` mark that is not empty. Glue, which runs the job
//! once at a time, decides who starts a run. Order matters in [`reconcile`], [`answer`], [`ended`] and [`tick`]:
//!
//! - The job deletes D's `done` before it changes D's rows, and writes it afterwards, with the ETag of the bytes it read.
//! - Recording the end of a run: mark what it left unfinished, park that, notify, write `told`, reconcile. The next event or
//!   tick makes up for a step that was lost. A mark is created once and then only emptied, so that a late event cannot undo
//!   a refine request; it expires before the parked request does.
//! - A warning lies in `done`, so it is as lasting as the rows that it is about; the run that wrote it tells it at its end.
//! - A run fails only what it was started for: a raw object that has been replaced since is due by itself.
//! - Two runs at once, should Glue allow that, make the rows of their common dates worthless: `done` of these is deleted
//!   before the end of either run is told.

mod aws;
mod end;
mod listing;
mod reconcile;
mod request;
mod run;
mod state;
mod told;
mod warnings;

pub use aws::AwsState;
pub use end::{Ended, Reporter, ended, tick};
pub use listing::{FailedMark, Listing, MAX_DATES};
pub use reconcile::{Reconciled, reconcile};
pub use request::{Refusal, answer};
pub use run::Run;
pub use state::State;
pub use told::told;
pub use warnings::Warnings;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
