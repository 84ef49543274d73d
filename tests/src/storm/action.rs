//! The steps of a storm.

use harness::stack::Stage;

/// One step of the storm.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// Write an object, about which S3 notifies the queue.
    Put { key: String, body: Vec<u8> },
    /// Send a message.
    Send { stage: Stage, body: String, delay_seconds: i32 },
    /// Kill the stage's function the next time it reaches this failpoint.
    Kill { stage: Stage, failpoint: String },
    /// Make the next run of the job fail.
    FailRun,
    /// Redrive the dates of failed runs.
    Redrive,
    /// Send the schedule's tick.
    Tick,
}
