//! `ibov` on this machine, as people type it. Each test runs it again and again, with emulators and lakes of its own.
//!
//! It is one test program, so that no core is idle while one of its tests has a long way to go.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test that finds something else has failed"
)]

#[path = "runs/command.rs"]
mod command;
#[path = "runs/import.rs"]
mod import;
#[path = "runs/lake.rs"]
mod lake;
#[path = "runs/proxy.rs"]
mod proxy;
#[path = "runs/report.rs"]
mod report;
