//! The tasks of a batch of messages, and the two ways to perform them.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::{
    invocation::Invocation,
    isolation::isolated,
    outcome::{Failed, Outcome},
};
use crate::{
    failure::{Failure, StageError},
    queues::Message,
};

pub struct Batch<'a, T> {
    /// Each with the span of its message, which puts the message id on log lines.
    tasks: Vec<(Span, T)>,
    invocation: &'a Invocation,
}

impl<'a, T> Batch<'a, T> {
    pub(super) fn new(invocation: &'a Invocation) -> Self {
        Self { tasks: Vec::new(), invocation }
    }

    pub(super) fn add(&mut self, message: &Message, task: T) {
        let span = tracing::info_span!("message", message_id = message.id);
        self.tasks.push((span, task));
    }

    pub fn deadline(&self) -> Instant {
        self.invocation.deadline
    }

    /// Performs each task by itself, `at_once` of them concurrently. A task that panics or hangs does not affect the
    /// others.
    pub async fn each<E: StageError>(
        self,
        at_once: usize,
        work: impl AsyncFn(T) -> Result<Outcome, E>,
    ) -> Vec<Result<Outcome, Failed>> {
        let (deadline, work) = (self.deadline(), &work);
        let tasks = self.tasks.into_iter().enumerate().map(|(place, (span, task))| {
            // Boxed: the SDK's futures are large, and each wrapper around one would move it once more.
            let work = isolated(deadline, Box::pin(work(task))).instrument(span);
            async move { (place, work.await) }
        });
        // Unordered, so that a task that hangs occupies only one of the places.
        let mut results: Vec<_> = stream::iter(tasks).buffer_unordered(at_once).collect().await;
        results.sort_unstable_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Performs all tasks in one go. If `work` fails, all tasks fail with its error.
    pub async fn together<E: StageError>(
        self,
        work: impl AsyncFnOnce(Vec<T>) -> Result<Vec<Result<Outcome, E>>, E>,
    ) -> Vec<Result<Outcome, Failed>> {
        let (deadline, count) = (self.deadline(), self.tasks.len());
        let tasks = self.tasks.into_iter().map(|(_, task)| task).collect();
        match isolated(deadline, Box::pin(work(tasks))).await {
            Ok(results) => {
                let kept = |error| Arc::new(error) as Failed;
                results.into_iter().map(|result| result.map_err(kept)).collect()
            }
            Err(error) => vec![Err(error); count],
        }
    }
}

/// The next result of the handler.
pub(super) fn next(
    results: &mut impl Iterator<Item = Result<Outcome, Failed>>,
) -> Result<Outcome, Failed> {
    results.next().unwrap_or_else(|| Err(Arc::new(ResultMissing)))
}

#[derive(Debug, thiserror::Error)]
#[error("the handler returned fewer results than it was given tasks")]
struct ResultMissing;

impl StageError for ResultMissing {
    fn failure(&self) -> Failure {
        Failure::bug()
    }
}
