//! What is due: the raw objects that no run has refined yet, as a difference of listings.
//!
//! Events about raw files and runs may be duplicated, late, out of order or lost. They are only hints to look; what is
//! due can be listed in the lake at any time:
//!
//! | object | meaning | written by |
//! |---|---|---|
//! | `raw/date=D/…` | rows of D. The ETag never repeats, since the footer names the landing object | parquet-writer |
//! | `control/refine/done/date=D/<etag>` | the refined rows of D are made from this raw object; also holds the warnings about them | the job |
//! | `control/refine/failed/date=D/<etag>/<run>` | this raw object failed in this run; empty: revived by a refine request | the job, glue-notifier |
//! | `control/refine/told/<run>` | people were notified of this run's end; empty: the run's dates are parked, the notification is still due | glue-notifier |
//! | `control/refine/told/missed-session-D` | people were notified that no portfolio of D had landed in time | glue-notifier |
//!
//! A date is due if its raw object has neither a `done` object nor a non-empty `failed` mark. Glue, which allows one
//! run of the job at a time, decides which caller starts a run. Order matters in [`reconcile`], [`answer`], [`ended`]
//! and [`tick`]:
//!
//! - The job deletes the `done` of D before it changes the rows of D, and writes a new one afterwards, with the ETag of
//!   the bytes that it read.
//! - To record the end of a run: mark the dates that it left unfinished, park them, notify, write `told`, reconcile.
//!   The next event or tick makes up for a lost step. A mark is created once and then only emptied, so that a late
//!   event cannot undo a refine request; a mark expires before the parked request does.
//! - Warnings lie in `done`, and so last as long as the rows that they are about. The run that wrote them sends them at
//!   its end.
//! - A run fails only raw objects that it was started for: a later replacement is due by itself.
//! - Two runs at once, should Glue allow that, make the rows of their common dates worthless: the `done` of these dates
//!   is deleted before the end of either run is told.

mod aws;
mod end;
mod listing;
mod reconcile;
mod request;
mod run;
mod session;
mod state;
mod told;
mod warnings;

pub use aws::AwsState;
pub use end::{Ended, Reporter, ended, tick};
pub use listing::{FailedMark, Listing, MAX_DATES};
pub use reconcile::{Reconciled, reconcile};
pub use request::{Refusal, answer};
pub use run::Run;
pub use session::{Session, note_missed, session};
pub use state::State;
pub use told::told;
pub use warnings::Warnings;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
