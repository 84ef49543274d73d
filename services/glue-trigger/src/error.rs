//! The errors of glue-trigger.

use chrono::NaiveDate;
use refine::Refusal;
use shared::{
    aws::CallError,
    events::EventError,
    failure::{Code, Failure, StageError},
    keys::InvalidKey,
};

#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("the object is not a raw file: {0}")]
    Key(#[from] InvalidKey),
    /// The job would not read the file.
    #[error("the file's name is not the one that this stack writes and refines")]
    OtherFile { object: String },
    #[error(
        "{date} has no raw file to refine; send the event of its landing object to the parquet queue, or fetch it"
    )]
    NoRawFile { date: NaiveDate },
    #[error("a forced request waits until the newest run has ended and people were notified")]
    RunActive { run_id: String },
    #[error(transparent)]
    Aws(#[from] CallError),
}

impl TriggerError {
    pub(crate) fn of(date: NaiveDate, refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoRawFile => Self::NoRawFile { date },
            Refusal::RunActive(run_id) => Self::RunActive { run_id },
        }
    }
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for TriggerError {
    fn failure(&self) -> Failure {
        match self {
            Self::Event(error) => error.failure(),
            Self::Key(_) => Failure::permanent(Code::UnknownKey),
            Self::OtherFile { object } => Failure::permanent(Code::OtherFileName).on(object),
            Self::NoRawFile { date } => Failure::permanent(Code::NoRawFile).on(&date.to_string()),
            Self::RunActive { run_id } => Failure::transient(Code::RunActive).on(run_id),
            Self::Aws(call) => call.failure(),
        }
    }
}
