//! Isolation of tasks: a panic or a missed deadline fails only its own task.

use std::{any::Any, panic, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;
use tokio::time::{Instant, timeout_at};

use super::outcome::Failed;
use crate::failure::{Code, Failure, StageError};

pub(super) async fn isolated<T, E: StageError>(
    deadline: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failed> {
    // Unwind safe: a task owns its state, and shared state is never left half-changed.
    match AssertUnwindSafe(timeout_at(deadline, work)).catch_unwind().await {
        Ok(Ok(result)) => result.map_err(|error| Arc::new(error) as Failed),
        Ok(Err(_)) => Err(Arc::new(OutOfTime)),
        Err(payload) => Err(Arc::new(Panicked::new(payload.as_ref()))),
    }
}

/// The same for synchronous work, without a deadline.
pub(super) fn uninterrupted<T, E: StageError>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, Failed> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| Arc::new(error) as Failed),
        Err(payload) => Err(Arc::new(Panicked::new(payload.as_ref()))),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the function's time ran out before the message was handled")]
struct OutOfTime;

impl StageError for OutOfTime {
    fn failure(&self) -> Failure {
        Failure::transient(Code::OutOfTime)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
struct Panicked(String);

impl Panicked {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self(text.unwrap_or("no message").to_owned())
    }
}

impl StageError for Panicked {
    fn failure(&self) -> Failure {
        Failure::bug()
    }
}
