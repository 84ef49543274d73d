//! The operator's commands, typed by somebody without a checkout, on stacks that fail.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that finds something else has failed"
)]

#[path = "night/many.rs"]
mod many;
#[path = "night/runbook.rs"]
mod runbook;
#[path = "night/selection.rs"]
mod selection;
#[path = "night/walk.rs"]
mod walk;
