//! The errors of glue-notifier.

use shared::{
    aws::CallError,
    events::EventError,
    failure::{Code, Failure, StageError},
};

#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("the event is about job {found:?}, this stack's is {served:?}")]
    OtherJob { found: String, served: String },
    #[error("Glue knows no run {run_id}")]
    NoRun { run_id: String },
    /// GetJobRuns lags behind the event.
    #[error("the run has not ended yet: it is {state}")]
    NotEnded { run_id: String, state: String },
    /// Glue counts a run that it does not list.
    #[error(
        "Glue says that the job is busy, but lists no active run: look at the job's runs in the console"
    )]
    Busy,
    #[error(transparent)]
    Aws(#[from] CallError),
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for NotifyError {
    fn failure(&self) -> Failure {
        match self {
            Self::Event(error) => error.failure(),
            Self::OtherJob { .. } => Failure::permanent(Code::OtherJob),
            Self::NoRun { run_id } => Failure::permanent(Code::RunUnknown).on(run_id),
            Self::NotEnded { run_id, .. } => Failure::transient(Code::RunNotEnded).on(run_id),
            Self::Busy => Failure::transient(Code::JobBusy),
            Self::Aws(call) => call.failure(),
        }
    }
}
