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
    /// The event says that the run ended, the run itself does not yet.
    #[error("the run has not ended yet: it is {state}")]
    NotYetEnded {
        /// The run.
        run_id: String,
        /// Its state.
        state: String,
    },
    /// S3, Glue, SQS or SNS did not do it.
    #[error(transparent)]
    Aws(#[from] CallError),
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for NotifyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(_) | Self::OtherJob { .. } | Self::NoRun { .. } => Kind::Refused,
            Self::NotYetEnded { .. } => Kind::Transient,
            Self::Aws(call) => call.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::OtherJob { .. } => "other-job",
            Self::NoRun { .. } => "run-unknown",
            Self::NotYetEnded { .. } => "run-not-ended",
            Self::Aws(call) => call.code(),
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::NoRun { run_id } | Self::NotYetEnded { run_id, .. } => Some(run_id.clone()),
            Self::Aws(call) => Some(call.object.clone()),
            Self::Event(_) | Self::OtherJob { .. } => None,
        }
    }
}
