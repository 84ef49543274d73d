//! The stage loop: what every function does with a batch of messages.
//!
//! A stage is a queue, its dead-letter queue and a function. Each record of a batch is handled in a task
//! of its own, so that a panic or a hang harms no neighbour. What came of it decides what becomes of the
//! message:
//!
//! - done, or nothing to do: it is acknowledged, and the queue deletes it;
//! - a failure that may pass: it is reported as failed, and the queue delivers it again;
//! - a failure that will not pass, or the last attempt: it is *parked*, that is sent to the dead-letter
//!   queue with its cause, and then acknowledged. If parking fails it is reported as failed, and the
//!   queue's own redrive policy is the net.
//!
//! A message is thus acknowledged only when its effect is durable or it lies in the dead-letter queue.

mod failure;
mod message;
mod park;

use std::{future::Future, time::Duration};

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

pub use failure::{Disposition, Failure, Kind, StageError};
pub use message::{Message, UnidentifiedRecord};
pub use park::{DeadLetters, Parked, ParkingError, SqsDeadLetters};

use crate::settings::{Environment, SettingError};

/// What handling a message came to, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The effect is durable.
    Done,
    /// There was nothing to do, for the reason named.
    NothingToDo(&'static str),
}

/// One call of the function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// AWS's id of the call, for finding its log lines.
    pub request_id: String,
    /// When handling must be over, so that there is time left to park what failed.
    pub deadline: Instant,
}

impl Invocation {
    /// What the end of an invocation is kept free for: parking, and answering.
    const RESERVED: Duration = Duration::from_secs(2);

    /// The invocation that Lambda described.
    #[must_use]
    pub fn new(context: &lambda_runtime::Context) -> Self {
        let remaining = context.deadline().duration_since(std::time::SystemTime::now());
        let usable = remaining.unwrap_or_default().saturating_sub(Self::RESERVED);
        Self { request_id: context.request_id.clone(), deadline: Instant::now() + usable }
    }
}

/// A stage's name, limits and dead-letter queue.
#[derive(Clone, Debug)]
pub struct Stage<D> {
    /// The name of the function, as people know it.
    pub name: &'static str,
    /// The queue's `maxReceiveCount`. A hint: the queue itself moves what is received more often.
    pub max_receive_count: u32,
    /// Where what fails for good is parked.
    pub dead_letters: D,
}

impl Stage<SqsDeadLetters> {
    /// The stage `name` with the limits and the queue that `MAX_RECEIVE_COUNT` and `DLQ_URL` name.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub fn from_environment(
        name: &'static str,
        environment: &Environment,
        sdk: &SdkConfig,
    ) -> Result<Self, SettingError> {
        let client = aws_sdk_sqs::Client::new(sdk);
        Ok(Self {
            name,
            max_receive_count: environment.required("MAX_RECEIVE_COUNT")?,
            dead_letters: SqsDeadLetters::new(client, environment.required("DLQ_URL")?),
        })
    }
}

/// A message and what came of it.
pub type Handled<T> = (Message, Result<T, Failure>);

impl<D: DeadLetters> Stage<D> {
    /// Handles each record of a batch by itself, and settles all of them.
    ///
    /// # Errors
    /// [`UnidentifiedRecord`] if a record has no message id: then no partial answer is possible, and the
    /// whole batch has to come again.
    pub async fn run<F, W, E>(
        &self,
        event: SqsEvent,
        invocation: &Invocation,
        handle: F,
    ) -> Result<SqsBatchResponse, UnidentifiedRecord>
    where
        F: Fn(Message) -> W,
        W: Future<Output = Result<Outcome, E>> + Send + 'static,
        E: StageError,
    {
        let messages = Message::of_batch(event)?;
        let handled = Self::each(messages, invocation, handle).await;
        Ok(self.settle(handled, invocation).await)
    }

    /// Runs `handle` for each message in a task of its own, until the invocation's deadline.
    pub async fn each<F, W, T, E>(
        messages: Vec<Message>,
        invocation: &Invocation,
        handle: F,
    ) -> Vec<Handled<T>>
    where
        F: Fn(Message) -> W,
        W: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: StageError,
    {
        let deadline = invocation.deadline;
        let tasks = messages.into_iter().map(|message| {
            let work = handle(message.clone());
            // The failure is described inside the task, so that an error's own code cannot harm us either.
            let task = tokio::spawn(async move {
                match timeout_at(deadline, work).await {
                    Ok(result) => result.map_err(|error| Failure::new(&error)),
                    Err(_) => Err(Failure::out_of_time()),
                }
            });
            async move { (message, task.await.unwrap_or_else(|error| Err(Failure::bug(error)))) }
        });
        join_all(tasks).await
    }

    /// Parks, logs and counts what was handled, and says which messages have to come again.
    pub async fn settle(
        &self,
        handled: Vec<Handled<Outcome>>,
        invocation: &Invocation,
    ) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for (message, result) in handled {
            let acknowledged = match result {
                Ok(outcome) => {
                    self.log_outcome(&message, outcome);
                    true
                }
                Err(failure) => self.settle_failure(&message, &failure, invocation).await,
            };
            if !acknowledged {
                response.add_failure(message.id);
            }
        }
        response
    }

    fn log_outcome(&self, message: &Message, outcome: Outcome) {
        let (stage, message_id, attempt) = (self.name, &message.id, message.receive_count);
        match outcome {
            Outcome::Done => tracing::info!(stage, message_id, attempt, "message handled"),
            Outcome::NothingToDo(reason) => {
                tracing::info!(stage, message_id, attempt, reason, "nothing to do");
            }
        }
    }

    /// Whether the message may be acknowledged.
    async fn settle_failure(
        &self,
        message: &Message,
        failure: &Failure,
        invocation: &Invocation,
    ) -> bool {
        let Failure { code, kind, error, object } = failure;
        let (stage, message_id, attempt) = (self.name, &message.id, message.receive_count);
        let object = object.as_deref();
        match failure.kind.disposition(message.receive_count, self.max_receive_count) {
            Disposition::Retry => {
                tracing::warn!(
                    stage,
                    message_id,
                    attempt,
                    kind = code,
                    class = kind.name(),
                    object,
                    error,
                    max_attempts = self.max_receive_count,
                    "message failed, it will come again"
                );
                false
            }
            Disposition::Park => {
                let parked = Parked::new(self.name, message, failure, &invocation.request_id);
                match self.dead_letters.park(&parked).await {
                    Ok(()) => {
                        tracing::error!(
                            stage,
                            message_id,
                            attempt,
                            kind = code,
                            class = kind.name(),
                            object,
                            error,
                            "message parked on the dead-letter queue"
                        );
                        true
                    }
                    Err(parking) => {
                        tracing::error!(
                            stage, message_id, attempt, kind = code, class = kind.name(), object, error,
                            parking_error = %parking,
                            "message failed and could not be parked, it will come again"
                        );
                        false
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
