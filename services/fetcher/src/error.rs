//! The errors of a fetch request.

use shared::{
    aws::CallError,
    events::EventError,
    failure::{Code, Failure, StageError},
    landing::EnvelopeError,
};

use crate::{b3::SourceError, continuity::OtherPortfolio};

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(
        "the request is for {asked}, but this stack serves {served}: deploy another stack for it"
    )]
    NotServed { asked: String, served: String },
    /// B3 gave no answer, or none worth keeping.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// B3's answer cannot be read and is kept as `object`.
    #[error(
        "{source}. It is kept, and a copy of it under landing/ is data only if it is whole JSON"
    )]
    Unreadable { source: Box<SourceError>, object: String },
    /// B3's answer is wrong and is kept as `object`.
    #[error("B3's answer was refused: {source}{}", no_copy(source))]
    Refused { source: EnvelopeError, object: String },
    /// B3's answer has too little in common with the previous portfolio and is kept as `object`.
    #[error("B3's answer was refused: {source}")]
    OtherPortfolio { source: Box<OtherPortfolio>, object: String },
    #[error(transparent)]
    Aws(#[from] CallError),
    /// Cannot occur: the types of an envelope can always be written as JSON.
    #[error("the answer could not be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for FetchError {
    fn failure(&self) -> Failure {
        match self {
            Self::Event(error) => error.failure(),
            Self::NotServed { .. } => Failure::permanent(Code::NotServed),
            Self::Source(error) => error.failure(),
            Self::Unreadable { source, object } => source.failure().on(object),
            Self::Refused { source, object } => {
                Failure::permanent(source.consequences().code).on(object)
            }
            Self::OtherPortfolio { object, .. } => {
                Failure::permanent(Code::OtherPortfolio).on(object)
            }
            Self::Aws(call) => call.failure(),
            Self::Unwritable(_) => Failure::bug(),
        }
    }
}

/// The runbook tells people to copy a refused answer to landing/. This explains when that cannot help.
fn no_copy(error: &EnvelopeError) -> String {
    let reason = error.consequences().beyond_repair.map(|reason| {
        format!(". It is kept, but no copy of it under landing/ can become data: {reason}")
    });
    reason.unwrap_or_default()
}
