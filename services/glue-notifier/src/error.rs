//! What can go wrong with a state change.

use shared::{
    aws::CallError,
    events::EventError,
    stage::{Kind, StageError},
};

/// A state change that was not reported.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The message is no Glue state change.
    #[error(transparent)]
    Event(#[from] EventError),
    /// It is about another job.
    #[error("the event is about job {found:?}, this stack's is {served:?}")]
    OtherJob {
        /// The event's job.
        found: String,
        /// This stack's job.
        served: String,
    },
    /// Glue answered without a run.
    #[error("Glue knows no run {run_id}")]
    NoRun {
        /// The event's run.
        run_id: String,
    },
    /// The event is ahead of what Glue shows.
    #[error("the run has not ended yet: it is {state}")]
    NotEnded {
        /// The event's run.
        run_id: String,
        /// Its state.
        state: String,
    },
    /// Glue counts a run that it does not show.
    #[error(
        "Glue says that the job is busy and shows no run that is active: look at its runs in the console"
    )]
    Busy,
    /// S3 or Glue did not do it, or people cannot be told.
    #[error(transparent)]
    Aws(#[from] CallError),
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for NotifyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(_) | Self::OtherJob { .. } | Self::NoRun { .. } => Kind::Refused,
            Self::NotEnded { .. } | Self::Busy => Kind::Transient,
            Self::Aws(call) => call.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::OtherJob { .. } => "other-job",
            Self::NoRun { .. } => "run-unknown",
            Self::NotEnded { .. } => "run-not-ended",
            Self::Busy => "job-busy",
            Self::Aws(call) => call.code(),
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::NoRun { run_id } | Self::NotEnded { run_id, .. } => Some(run_id.clone()),
            Self::Aws(call) => Some(call.object.clone()),
            Self::Event(_) | Self::OtherJob { .. } | Self::Busy => None,
        }
    }
}
