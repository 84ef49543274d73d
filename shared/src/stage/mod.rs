//! The frame of every function: a [`Handler`], run as a Lambda function by [`serve`].
//!
//! A stage is a queue, its dead-letter queue and a function. Each message of a batch is settled by itself:
//!
//! - handled, or nothing to do: acknowledged, so that the queue deletes the message;
//! - a failure that may pass: reported as failed, so that the queue delivers the message again, later each time;
//! - a permanent failure, or the last attempt: *parked*, that is sent to the dead-letter queue with the cause, and then
//!   acknowledged. If parking fails, the message is reported as failed, with the queue's redrive policy as safety net.
//!
//! So a message is acknowledged only when its effect is durable or the message is on the dead-letter queue.

mod backoff;
mod batch;
mod disposition;
mod invocation;
mod isolation;
mod outcome;
mod parts;

use std::{process::ExitCode, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::join_all;
use lambda_runtime::{LambdaEvent, service_fn};

pub use batch::Batch;
pub use invocation::Invocation;
pub use outcome::{Failed, Outcome};

use crate::{
    aws,
    failure::{StageError, readable},
    http,
    queues::{Message, Parked, Queues, SqsQueues, UnidentifiedRecord},
    settings::{Environment, SettingError},
    telemetry, tls,
};
use disposition::Disposition;

/// The tasks of a message, or why the message cannot be decoded.
pub type Decoded<T, E> = Result<Vec<Result<T, E>>, E>;

/// What all clients of a function share.
#[derive(Debug)]
pub struct Connections {
    pub http: http::Client,
    /// For the clients of AWS, which send their requests with `http` too.
    pub sdk: SdkConfig,
}

/// The work of a function.
#[expect(async_fn_in_trait, reason = "nothing is spawned")]
pub trait Handler: Sized {
    /// The stage's name, which the names of its queues begin with.
    const STAGE: &'static str;
    /// A unit of work. A message may have several: an S3 notification may name several objects.
    type Task;
    type Error: StageError;

    /// Reads the settings and creates the clients, once per cold start.
    async fn from_environment(
        environment: &Environment,
        connections: &Connections,
    ) -> Result<Self, SettingError>;

    /// The tasks of a message. A malformed part does not hide the others.
    fn decode(&self, message: &Message) -> Decoded<Self::Task, Self::Error>;

    /// Performs the tasks of a batch of messages. Returns one result per task, in the same order.
    async fn perform(&self, batch: Batch<'_, Self::Task>) -> Vec<Result<Outcome, Failed>>;
}

/// Runs a handler as a Lambda function. What keeps it from starting is logged.
pub async fn serve<H: Handler>() -> ExitCode {
    telemetry::init();
    match start_and_run::<H>().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = readable(&error.to_string());
            tracing::error!(
                stage = H::STAGE,
                error,
                "the function cannot run, and touches no message"
            );
            ExitCode::FAILURE
        }
    }
}

/// # Errors
/// At the cold start, for a missing or invalid environment variable.
async fn start_and_run<H: Handler>() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_process();
    tls::check(&environment)?;
    let http = http::client()?;
    let connections = Connections { sdk: aws::sdk_config(&environment, &http)?, http };
    let handler = H::from_environment(&environment, &connections).await?;
    let stage = &Stage::from_environment(handler, &environment, &connections.sdk)?;
    let handle = |event: LambdaEvent<SqsEvent>| async move {
        let invocation = Invocation::new(&event.context);
        stage.handle(event.payload, &invocation).await.map_err(lambda_runtime::Error::from)
    };
    lambda_runtime::run(service_fn(handle)).await
}

struct Stage<H, Q> {
    handler: H,
    /// `MAX_RECEIVE_COUNT`: the queue's `maxReceiveCount`. Only a hint: the queue itself moves messages received more
    /// often.
    max_receive_count: u32,
    /// `BACKOFF_BASE`, in seconds: the wait after the first failure of a message. Zero leaves the wait to the queue.
    backoff_base: Duration,
    queues: Q,
}

impl<H: Handler> Stage<H, SqsQueues> {
    fn from_environment(
        handler: H,
        environment: &Environment,
        sdk: &SdkConfig,
    ) -> Result<Self, SettingError> {
        let [queue, dead_letter_queue] =
            [environment.required("QUEUE_URL")?, environment.required("DLQ_URL")?];
        Ok(Self {
            handler,
            max_receive_count: environment.required("MAX_RECEIVE_COUNT")?,
            backoff_base: Duration::from_secs(environment.or("BACKOFF_BASE", 480)?),
            queues: SqsQueues::new(sdk, queue, dead_letter_queue),
        })
    }
}

impl<H: Handler, Q: Queues> Stage<H, Q> {
    /// # Errors
    /// For a record without a message id: the whole batch has to be delivered again, since a failed record could not be
    /// named in the answer.
    async fn handle(
        &self,
        event: SqsEvent,
        invocation: &Invocation,
    ) -> Result<SqsBatchResponse, UnidentifiedRecord> {
        let messages = Message::of_batch(event)?;
        let mut batch = Batch::new(invocation);
        let decoded: Vec<_> =
            messages.iter().map(|message| self.decode(message, &mut batch)).collect();
        // Boxed, because handlers' futures are nested too deeply for the compiler.
        let mut results = Box::pin(self.handler.perform(batch)).await.into_iter();
        let outcomes = decoded.into_iter().zip(&messages).map(|(parts, message)| {
            let parts =
                parts?.into_iter().map(|part| part.and_then(|()| batch::next(&mut results)));
            parts::combined(H::STAGE, message, self.max_receive_count, parts.collect())
        });
        // Concurrently: after a timeout, little time is left.
        let settled = messages.iter().zip(outcomes.collect::<Vec<_>>());
        let settled = settled.map(|(message, outcome)| self.settle(message, outcome, invocation));
        let mut response = SqsBatchResponse::default();
        for (message, acknowledged) in messages.iter().zip(join_all(settled).await) {
            if !acknowledged {
                response.add_failure(&message.id);
            }
        }
        Ok(response)
    }

    /// Adds the tasks of a message to the batch. Returns one result per part of the message.
    fn decode(
        &self,
        message: &Message,
        batch: &mut Batch<'_, H::Task>,
    ) -> Result<Vec<Result<(), Failed>>, Failed> {
        let parts = isolation::uninterrupted(|| self.handler.decode(message))?;
        let add = |part: Result<H::Task, H::Error>| {
            part.map(|task| batch.add(message, task)).map_err(|error| Arc::new(error) as Failed)
        };
        Ok(parts.into_iter().map(add).collect())
    }

    /// Logs the outcome, and postpones or parks a failed message. Returns whether the message may be acknowledged.
    async fn settle(
        &self,
        message: &Message,
        outcome: Result<Outcome, Failed>,
        invocation: &Invocation,
    ) -> bool {
        let (stage, message_id, attempt) = (H::STAGE, &message.id, message.receive_count);
        match outcome {
            Ok(Outcome::Done) => tracing::info!(stage, message_id, attempt, "message handled"),
            Ok(Outcome::NothingToDo(reason)) => {
                tracing::info!(stage, message_id, attempt, reason, "nothing to do");
            }
            Err(error) => {
                return match disposition::of(error.failure().class, attempt, self.max_receive_count)
                {
                    Disposition::Retry => self.postpone(message, &error).await,
                    Disposition::Park => self.park(message, &error, invocation).await,
                };
            }
        }
        true
    }

    /// Best effort: if the visibility timeout cannot be changed, the queue's own applies.
    async fn postpone(&self, message: &Message, error: &Failed) -> bool {
        let failure = error.failure();
        let (stage, message_id, attempt) = (H::STAGE, &message.id, message.receive_count);
        let mut delay = backoff::backoff(self.backoff_base, attempt, failure.retry_after);
        if let Some(wait) = delay
            && let Err(error) = self.queues.postpone(message, wait).await
        {
            tracing::warn!(stage, message_id, %error, "no backoff");
            delay = None;
        }
        tracing::warn!(
            stage,
            message_id,
            attempt,
            code = failure.code.name(),
            class = failure.class.name(),
            object = failure.object,
            error = readable(&error.to_string()),
            max_attempts = self.max_receive_count,
            delay_s = delay.map(|delay| delay.as_secs()),
            "message failed, it will come again"
        );
        false
    }

    async fn park(&self, message: &Message, error: &Failed, invocation: &Invocation) -> bool {
        let (failure, text) = (error.failure(), readable(&error.to_string()));
        let parked = Parked::new(H::STAGE, message, &failure, &text, &invocation.request_id);
        let parking = self.queues.park(&parked).await;
        let fate = match &parking {
            Ok(()) => "message parked on the dead-letter queue",
            Err(_) => "message failed and could not be parked, it will come again",
        };
        tracing::error!(
            stage = H::STAGE,
            message_id = message.id,
            attempt = message.receive_count,
            code = failure.code.name(),
            class = failure.class.name(),
            object = failure.object,
            error = text,
            parking_error = parking.as_ref().err().map(ToString::to_string),
            "{fate}"
        );
        parking.is_ok()
    }
}

#[cfg(test)]
mod tests;
