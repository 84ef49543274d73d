//! What can go wrong with a raw object.

use chrono::NaiveDate;
use shared::{
    aws::CallError,
    events::EventError,
    lake::InvalidKey,
    stage::{Kind, StageError},
};

/// A raw object for which no run could be started.
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
    /// Somebody else wrote the file.
    #[error(
        "the raw file has no landing-key: it was not written by parquet-writer; delete it, and send the event of its landing object to the parquet queue again"
    )]
    ForeignRawFile {
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
    /// S3 or Glue did not do it.
    #[error(transparent)]
    Aws(#[from] CallError),
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for TriggerError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(_)
            | Self::Key(_)
            | Self::OtherFile { .. }
            | Self::ForeignRawFile { .. }
            | Self::NoRawFile { .. } => Kind::Refused,
            Self::Aws(call) => call.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::Key(_) => "unknown-key",
            Self::OtherFile { .. } => "other-file-name",
            Self::ForeignRawFile { .. } => "foreign-raw-file",
            Self::NoRawFile { .. } => "no-raw-file",
            Self::Aws(call) => call.code(),
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::OtherFile { object } | Self::ForeignRawFile { object } => Some(object.clone()),
            Self::Aws(call) => Some(call.object.clone()),
            Self::Event(_) | Self::Key(_) | Self::NoRawFile { .. } => None,
        }
    }
}
