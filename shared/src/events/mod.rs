//! Decoding of the messages of all queues. Unknown shapes are refused.
//!
//! A body may be wrapped in an SNS envelope, which is removed first.

mod completion;
mod fetch;
mod glue;
mod glue_queue;
mod refine;
mod s3;
mod sns;

pub use completion::CompletionMessage;
pub use fetch::FetchRequest;
pub use glue::{GlueStateChange, RunState};
pub use glue_queue::GlueQueueMessage;
pub use refine::RefineRequest;
pub use s3::{CreatedObject, S3Message};

use crate::failure::{Code, Failure, StageError};

/// A body that does not belong on its queue.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or a field is missing or of another type.
    #[error("the message is not {expected}: {source}")]
    Shape { expected: &'static str, source: serde_json::Error },
    /// Well-formed, but nothing that we act on.
    #[error("the message is not {expected}: {found}")]
    Unexpected { expected: &'static str, found: String },
    /// An event of another bucket: a foreign or mistaken notification, never our data.
    #[error("the message is about bucket {found:?}, this stack's is {expected:?}")]
    ForeignBucket { expected: String, found: String },
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for EventError {
    fn failure(&self) -> Failure {
        match self {
            Self::Shape { .. } | Self::Unexpected { .. } => Failure::permanent(Code::UnknownEvent),
            Self::ForeignBucket { .. } => Failure::permanent(Code::ForeignBucket),
        }
    }
}
