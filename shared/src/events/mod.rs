//! Decoding of everything that arrives on a queue. Unknown shapes fail closed.
//!
//! Bodies may be wrapped in an SNS envelope, and are decoded through it.

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

/// A body that is not what its queue carries.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or a field is missing or of another type.
    #[error("the message is not {expected}: {source}")]
    Shape {
        /// What the queue carries.
        expected: &'static str,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// Well-formed, but it says something we do not act on.
    #[error("the message is not {expected}: {found}")]
    Unexpected {
        /// What the queue carries.
        expected: &'static str,
        /// What came instead.
        found: String,
    },
    /// The event of another bucket: somebody else's queue policy or a mistake, and never our data.
    #[error("the message is about bucket {found:?}, this stack's is {expected:?}")]
    ForeignBucket {
        /// This stack's bucket.
        expected: String,
        /// The event's bucket.
        found: String,
    },
}

impl StageError for EventError {
    fn failure(&self) -> Failure {
        match self {
            Self::Shape { .. } | Self::Unexpected { .. } => Failure::permanent(Code::UnknownEvent),
            Self::ForeignBucket { .. } => Failure::permanent(Code::ForeignBucket),
        }
    }
}
