//! What can go wrong with a landing object.

use shared::{
    aws::CallError,
    events::EventError,
    lake::InvalidKey,
    landing::EnvelopeError,
    parquet::EncodeError,
    stage::{Kind, StageError},
};

/// A landing object that did not become a raw file.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The message is no notification about this stack's bucket.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The object's key is not one that the fetcher writes.
    #[error("the object is not one that the fetcher writes: {0}")]
    Key(#[from] InvalidKey),
    /// The object is too large to be a portfolio.
    #[error("the landing object has {size_bytes} bytes, which no portfolio takes")]
    TooLarge {
        /// Its URI.
        object: String,
        /// Its size.
        size_bytes: i64,
    },
    /// The object's content is no portfolio.
    #[error("the landing object cannot be used: {source}")]
    Unreadable {
        /// Its URI.
        object: String,
        /// What is wrong with it.
        source: EnvelopeError,
    },
    /// The object says something else than its key, or is not what this stack serves.
    #[error("the landing object holds {found}, which is not what its key or this stack says")]
    Misplaced {
        /// Its URI.
        object: String,
        /// What it holds.
        found: String,
    },
    /// The Parquet file could not be made.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Somebody else kept writing the raw file.
    #[error("the raw file kept changing under the writer")]
    Contended {
        /// Its URI.
        object: String,
    },
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] CallError),
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for WriteError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(_)
            | Self::Key(_)
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Misplaced { .. } => Kind::Refused,
            Self::Contended { .. } => Kind::Transient,
            Self::Encode(_) => Kind::Bug,
            Self::Lake(call) => call.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::Key(_) => "unknown-key",
            Self::TooLarge { .. } => "landing-too-large",
            Self::Unreadable { source, .. } => source.code(),
            Self::Misplaced { .. } => "landing-misplaced",
            Self::Encode(_) => "bug",
            Self::Contended { .. } => "raw-contended",
            Self::Lake(call) => call.code(),
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::TooLarge { object, .. }
            | Self::Unreadable { object, .. }
            | Self::Misplaced { object, .. }
            | Self::Contended { object } => Some(object.clone()),
            Self::Lake(call) => Some(call.object.clone()),
            Self::Event(_) | Self::Key(_) | Self::Encode(_) => None,
        }
    }
}
