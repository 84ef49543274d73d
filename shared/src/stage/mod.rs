//! The stage loop: what every function does with a batch of messages.
//!
//! A stage is a queue, its dead-letter queue and a function. Each record of a batch is handled in a task
//! of its own, so that a panic or a hang harms no neighbour. What came of it decides what becomes of the
//! message:
//!
//! - done, or nothing to do: it is acknowledged, and the queue deletes it;
//! - a failure that may pass: it is reported as failed, and the queue delivers it again, for a missing
//!   right once;
//! - a failure that will not pass, or the last attempt: it is *parked*, that is sent to the dead-letter
//!   queue with its cause, and then acknowledged. If parking fails it is reported as failed, and the
//!   queue's own redrive policy is the net.
//!
//! A message is thus acknowledged only when its effect is durable or it lies in the dead-letter queue.

mod backoff;
mod failure;
mod message;
mod parked;
mod parts;
mod queues;

use std::{future::Future, time::Duration};

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

pub use failure::{Disposition, Failure, Kind, StageError, readable};
pub use message::{Message, UnidentifiedRecord};
pub use parked::Parked;
pub use parts::each_part;
pub use queues::{Queues, SqsQueues};

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
    /// When Lambda ends the invocation, finished or not.
    pub ends: Instant,
}

impl Invocation {
    /// What the end of an invocation is kept free for: parking, and answering.
    const RESERVED: Duration = Duration::from_secs(2);

    /// The invocation that Lambda described.
    #[must_use]
    pub fn new(context: &lambda_runtime::Context) -> Self {
        let remaining = context.deadline().duration_since(std::time::SystemTime::now());
        let ends = Instant::now() + remaining.unwrap_or_default();
        let deadline = ends.checked_sub(Self::RESERVED).unwrap_or(ends);
        Self { request_id: context.request_id.clone(), deadline, ends }
    }

    /// The same invocation for work that comes before other work: it leaves half of the time to that.
    #[must_use]
    pub fn first_half(&self) -> Self {
        let now = Instant::now();
        let half = self.deadline.saturating_duration_since(now) / 2;
        Self { deadline: now + half, ..self.clone() }
    }

    /// The same invocation for what only waits for work that keeps to the deadline, and must not be the
    /// first to give up.
    #[must_use]
    pub fn to_its_end(&self) -> Self {
        Self { deadline: self.ends, ..self.clone() }
    }
}

/// A stage's name, limits and queues.
#[derive(Clone, Debug)]
pub struct Stage<Q> {
    /// The name of the function, as people know it.
    pub name: &'static str,
    /// The queue's `maxReceiveCount`. A hint: the queue itself moves what is received more often.
    pub max_receive_count: u32,
    /// Before a message that failed for the first time is tried again; zero leaves it to the queue.
    pub backoff_base: Duration,
    /// Its queue, and where what fails for good is parked.
    pub queues: Q,
}

impl Stage<SqsQueues> {
    /// The stage `name` with what `MAX_RECEIVE_COUNT`, `BACKOFF_BASE` (in seconds), `QUEUE_URL` and
    /// `DLQ_URL` say.
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
            backoff_base: Duration::from_secs(environment.or("BACKOFF_BASE", 480)?),
            queues: SqsQueues::new(
                client,
                environment.required("QUEUE_URL")?,
                environment.required("DLQ_URL")?,
            ),
        })
    }
}

/// A message and what came of it.
pub type Handled<T> = (Message, Result<T, Failure>);

impl<Q: Queues> Stage<Q> {
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
        let tasks = messages.into_iter().map(|message| {
            let span = tracing::info_span!("message", message_id = message.id);
            let work = guarded(handle(message.clone()), invocation).instrument(span);
            async move { (message, work.await) }
        });
        join_all(tasks).await
    }

    /// Parks, logs and counts what was handled, and says which messages have to come again.
    pub async fn settle(
        &self,
        handled: Vec<Handled<Outcome>>,
        invocation: &Invocation,
    ) -> SqsBatchResponse {
        // All at once: little time is left when what failed is that the time ran out.
        let settled = join_all(handled.into_iter().map(|(message, result)| async move {
            let acknowledged = match result {
                Ok(outcome) => {
                    self.log_outcome(&message, outcome);
                    true
                }
                Err(failure) => self.settle_failure(&message, &failure, invocation).await,
            };
            (message.id, acknowledged)
        }));
        let mut response = SqsBatchResponse::default();
        for (message_id, acknowledged) in settled.await {
            if !acknowledged {
                response.add_failure(message_id);
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
        let Failure { code, kind, error, object, retry_after } = failure;
        let (stage, message_id, attempt) = (self.name, &message.id, message.receive_count);
        let object = object.as_deref();
        match failure.kind.disposition(message.receive_count, self.max_receive_count) {
            Disposition::Retry => {
                let delay = self.postpone(message, *retry_after).await;
                tracing::warn!(
                    stage,
                    message_id,
                    attempt,
                    kind = code,
                    class = kind.name(),
                    object,
                    error,
                    max_attempts = self.max_receive_count,
                    delay_s = delay.map(|delay| delay.as_secs()),
                    "message failed, it will come again"
                );
                false
            }
            Disposition::Park => {
                let parked = Parked::new(self.name, message, failure, &invocation.request_id);
                let parking = self.queues.park(&parked).await;
                let fate = match &parking {
                    Ok(()) => "message parked on the dead-letter queue",
                    Err(_) => "message failed and could not be parked, it will come again",
                };
                let parking_error = parking.as_ref().err().map(ToString::to_string);
                tracing::error!(
                    stage,
                    message_id,
                    attempt,
                    kind = code,
                    class = kind.name(),
                    object,
                    error,
                    parking_error,
                    "{fate}"
                );
                parking.is_ok()
            }
        }
    }

    /// Best effort: a message whose visibility cannot be changed comes again when its queue says so.
    async fn postpone(&self, message: &Message, asked: Option<Duration>) -> Option<Duration> {
        let delay = backoff::backoff(self.backoff_base, message.receive_count, asked)?;
        match self.queues.postpone(message, delay).await {
            Ok(()) => Some(delay),
            Err(error) => {
                tracing::warn!(stage = self.name, message_id = message.id, %error, "no backoff");
                None
            }
        }
    }
}

/// Does work in a task of its own until the invocation's deadline. A panic is a failure, and so is a hang.
pub async fn guarded<W, T, E>(work: W, invocation: &Invocation) -> Result<T, Failure>
where
    W: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: StageError,
{
    let deadline = invocation.deadline;
    // The failure is described inside the task, so that an error's own code cannot harm us either.
    let described = async move {
        match timeout_at(deadline, work).await {
            Ok(result) => result.map_err(|error| Failure::new(&error)),
            Err(_) => Err(Failure::out_of_time()),
        }
    };
    let task = tokio::spawn(described.in_current_span());
    task.await.unwrap_or_else(|error| Err(Failure::bug(error)))
}

#[cfg(test)]
mod tests;
