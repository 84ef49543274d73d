//! What can go wrong with a fetch request.

use std::time::Duration;

use shared::{
    aws::CallError,
    events::EventError,
    landing::EnvelopeError,
    stage::{Kind, StageError},
};

use crate::{continuity::OtherPortfolio, source::SourceError};

/// A fetch request that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The message is no fetch request.
    #[error(transparent)]
    Event(#[from] EventError),
    /// It asks for what this stack does not serve.
    #[error(
        "the request is for {asked}, but this stack serves {served}: deploy another stack for it"
    )]
    NotServed {
        /// Index and segment of the request.
        asked: String,
        /// Index and segment of the stack.
        served: String,
    },
    /// B3 gave no answer, or none that could be read.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// B3 answered in a way that nobody can read now.
    #[error(
        "{source}. It is kept, and a copy of it under landing/ is data only if it is whole JSON"
    )]
    Unreadable {
        /// What is wrong with it.
        source: Box<SourceError>,
        /// Where it is kept.
        object: String,
    },
    /// B3 answered, and the answer cannot be right.
    #[error("B3's answer was refused: {source}{}", no_copy(source))]
    Refused {
        /// What is wrong with it.
        source: EnvelopeError,
        /// Where the answer is kept.
        object: String,
    },
    /// B3 answered with a portfolio that has little to do with the one before.
    #[error("B3's answer was refused: {source}")]
    OtherPortfolio {
        /// How little.
        source: Box<OtherPortfolio>,
        /// Where the answer is kept.
        object: String,
    },
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] CallError),
    /// An envelope could not be written as JSON, which its types rule out.
    #[error("the answer could not be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
}

#[deny(clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for FetchError {
    fn kind(&self) -> Kind {
        match self {
            Self::Event(_)
            | Self::NotServed { .. }
            | Self::Refused { .. }
            | Self::OtherPortfolio { .. } => Kind::Refused,
            Self::Source(_) | Self::Unreadable { .. } => Kind::Transient,
            Self::Lake(call) => call.kind(),
            Self::Unwritable(_) => Kind::Bug,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::NotServed { .. } => "not-served",
            Self::Source(error) => error.cause.code(),
            Self::Unreadable { source, .. } => source.cause.code(),
            Self::Refused { source, .. } => source.code(),
            Self::OtherPortfolio { .. } => "other-portfolio",
            Self::Lake(call) => call.code(),
            Self::Unwritable(_) => "bug",
        }
    }

    fn object(&self) -> Option<String> {
        match self {
            Self::Source(error) => Some(error.url.clone()),
            Self::Refused { object, .. }
            | Self::OtherPortfolio { object, .. }
            | Self::Unreadable { object, .. } => Some(object.clone()),
            Self::Lake(call) => Some(call.object.clone()),
            Self::Event(_) | Self::NotServed { .. } | Self::Unwritable(_) => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Source(error) => error.cause.retry_after(),
            Self::Unreadable { source, .. } => source.cause.retry_after(),
            Self::Event(_)
            | Self::NotServed { .. }
            | Self::Refused { .. }
            | Self::OtherPortfolio { .. }
            | Self::Lake(_)
            | Self::Unwritable(_) => None,
        }
    }
}

/// What the runbook's way back cannot do for an answer.
fn no_copy(error: &EnvelopeError) -> String {
    let reason = error.beyond_repair().map(|reason| {
        format!(". It is kept, but no copy of it under landing/ can become data: {reason}")
    });
    reason.unwrap_or_default()
}
