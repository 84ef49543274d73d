//! Failures: every promise of the pipeline, with the real template and the real functions on the local emulator. A few
//! lines of Python carry the Glue runs out as a test orders.
//!
//! It is one test program with one emulator, in which the stacks of different tests stand side by side.
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
#[path = "faults/mails.rs"]
mod mails;
#[path = "faults/night/mod.rs"]
mod night;
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
#[path = "faults/storm.rs"]
mod storm;
#[path = "faults/waits.rs"]
mod waits;
