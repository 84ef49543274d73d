//! What happens when something fails: every promise of the pipeline, with the real template and the real functions on
//! the local emulator. Glue runs are carried out by a few lines of Python that do as a test orders.
//!
//! All of it is one test program with one emulator; stacks that different tests break stand side by side in it.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that finds something else has failed"
)]

#[path = "faults/backoff.rs"]
mod backoff;
#[path = "faults/batches.rs"]
mod batches;
#[path = "faults/events.rs"]
mod events;
#[path = "faults/failed_dates.rs"]
mod failed_dates;
#[path = "faults/glue_runs.rs"]
mod glue_runs;
#[path = "faults/kills.rs"]
mod kills;
#[path = "faults/notifications.rs"]
mod notifications;
#[path = "faults/parking.rs"]
mod parking;
#[path = "faults/records.rs"]
mod records;
#[path = "faults/redrive.rs"]
mod redrive;
#[path = "faults/rejected.rs"]
mod rejected;
