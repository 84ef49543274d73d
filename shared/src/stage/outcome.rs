//! The two ways in which a task ends.

use std::sync::Arc;

use crate::failure::StageError;

/// Outcome of a successfully handled message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The effect is durable.
    Done,
    /// With the reason.
    NothingToDo(&'static str),
}

/// An error with its sources, shared because one error may fail several messages.
pub type Failed = Arc<dyn StageError>;
