//! The errors of parquet-writer.

use shared::{
    aws::CallError,
    events::EventError,
    failure::{Code, Failure, StageError},
    keys::InvalidKey,
    landing::EnvelopeError,
    raw::EncodeError,
};

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("the object is not one that the fetcher writes: {0}")]
    Key(#[from] InvalidKey),
    #[error("the landing object has {size_bytes} bytes, more than any portfolio takes")]
    TooLarge { object: String, size_bytes: i64 },
    #[error("the landing object cannot be used: {source}")]
    Unreadable { object: String, source: EnvelopeError },
    #[error("the landing object holds {found}, which contradicts its key or this stack")]
    Misplaced { object: String, found: String },
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error("the raw file kept changing under the writer")]
    Contended { object: String },
    #[error(transparent)]
    Aws(#[from] CallError),
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for WriteError {
    fn failure(&self) -> Failure {
        match self {
            Self::Event(error) => error.failure(),
            Self::Key(_) => Failure::permanent(Code::UnknownKey),
            Self::TooLarge { object, .. } => Failure::permanent(Code::LandingTooLarge).on(object),
            Self::Unreadable { object, source } => {
                Failure::permanent(source.consequences().code).on(object)
            }
            Self::Misplaced { object, .. } => Failure::permanent(Code::LandingMisplaced).on(object),
            Self::Encode(_) => Failure::bug(),
            Self::Contended { object } => Failure::transient(Code::RawContended).on(object),
            Self::Aws(call) => call.failure(),
        }
    }
}
