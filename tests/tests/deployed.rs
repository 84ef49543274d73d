//! The deployed pipeline, end to end: the real template, the real functions and a real Spark on the local emulator.
//!
//! It is one test program, because each program starts an emulator of its own.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test that finds something else has failed"
)]

#[path = "deployed/athena_lake.rs"]
mod athena_lake;
#[path = "deployed/athena_queries.rs"]
mod athena_queries;
#[path = "deployed/athena_views.rs"]
mod athena_views;
#[path = "deployed/chain.rs"]
mod chain;
#[path = "deployed/failing_runs.rs"]
mod failing_runs;
#[path = "deployed/parked.rs"]
mod parked;
#[path = "deployed/recordings.rs"]
mod recordings;
#[path = "deployed/smoke.rs"]
mod smoke;
#[path = "deployed/verify.rs"]
mod verify;
#[path = "deployed/warnings.rs"]
mod warnings;
