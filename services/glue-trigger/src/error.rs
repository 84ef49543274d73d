//! What can go wrong with a message.

use chrono::NaiveDate;
use shared::{
    aws::CallError,
    events::EventError,
    lake::InvalidKey,
    refine::Refusal,
    stage::{Kind, StageError},
};

/// A message that was not answered.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The message is no notification about this stack's bucket.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The object's key is no raw file's.
    #[error("the object is no raw file: {0}")]
    Key(#[from] InvalidKey),
    /// The file has another name than the one that the job reads.
    #[error("the file's name is not the one that this stack writes and refines")]
    OtherFile {
        /// Its URI.
        object: String,
    },
    /// Somebody wants a date refined of which there is nothing.
    #[error(
        "{date} has no raw file to refine; send the event of its landing object to the parquet queue, or fetch it"
    )]
    NoRawFile {
        /// The date.
        date: NaiveDate,
    },
    /// Somebody wants a date refined that may be refined already, while a run may still be at it.
    #[error("a forced request waits until the newest run has ended and people know of it")]
    RunActive {
        /// The run.
        run_id: String,
    },
    /// S3 or Glue did not do it.
    #[error(transparent)]
    Aws(#[from] CallError),
}

impl TriggerError {
    /// Why `date` was asked for in vain.
    #[must_use]
    pub fn of(date: NaiveDate, refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoRawFile => Self::NoRawFile { date },
            Refusal::RunActive(run_id) => Self::RunActive { run_id },
        }
    }
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for TriggerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(_) | Self::Key(_) | Self::OtherFile { .. } | Self::NoRawFile { .. } => {
                Kind::Refused
            }
            Self::RunActive { .. } => Kind::Transient,
            Self::Aws(call) => call.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::Key(_) => "unknown-key",
            Self::OtherFile { .. } => "other-file-name",
            Self::NoRawFile { .. } => "no-raw-file",
            Self::RunActive { .. } => "run-active",
            Self::Aws(call) => call.code(),
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::OtherFile { object } => Some(object.clone()),
            Self::NoRawFile { date } => Some(date.to_string()),
            Self::RunActive { run_id } => Some(run_id.clone()),
            Self::Aws(call) => Some(call.object.clone()),
            Self::Event(_) | Self::Key(_) => None,
        }
    }
}
