//! Starts the Glue job for the dates whose raw file was written.
//!
//! A whole batch shares one run: the job allows one at a time, and each costs at least a minute of two
//! workers whether it refines one date or a hundred.

mod error;
mod job;
mod lake;

use std::{collections::BTreeSet, sync::Arc};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::NaiveDate;
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::S3Message,
    lake::{FileName, RawKey},
    settings::{Environment, SettingError},
    stage::{Failure, Handled, Invocation, Message, Outcome, SqsDeadLetters, Stage},
};

pub use error::TriggerError;
use job::Job;
use lake::Lake;

/// What the function does, and with what.
#[derive(Clone, Debug)]
pub struct GlueTrigger {
    /// `FILENAME`: the raw file's name in each date's partition.
    file_name: FileName,
    lake: Lake,
    job: Job,
    stage: Stage<SqsDeadLetters>,
}

/// The dates that a message is about and that there is something to refine for.
type Dates = BTreeSet<NaiveDate>;

impl GlueTrigger {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        Ok(Self {
            file_name: environment.required("FILENAME")?,
            lake: Lake::new(aws::s3_client(&sdk), environment.required("S3_BUCKET")?),
            job: Job::new(&sdk, environment.required("GLUE_JOB_NAME")?),
            stage: Stage::from_environment("glue-trigger", environment, &sdk)?,
        })
    }

    /// Handles one batch of notifications of raw objects: one run for all their dates.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let messages = Message::of_batch(event.payload)?;
        let look = |message: Message| {
            let trigger = Arc::clone(self);
            async move { trigger.dates(&message).await }
        };
        let looked_at = Stage::<SqsDeadLetters>::each(messages, &invocation, look).await;
        let started = self.start(&looked_at, &invocation).await;
        let settled = looked_at.into_iter().map(|(message, dates)| {
            let outcome = dates.and_then(|dates| match dates.is_empty() {
                true => Ok(Outcome::NothingToDo("no object to refine")),
                false => started.clone(),
            });
            (message, outcome)
        });
        Ok(self.stage.settle(settled.collect(), &invocation).await)
    }

    /// The dates that a message is about, without those whose object is gone.
    async fn dates(&self, message: &Message) -> Result<Dates, TriggerError> {
        let mut dates = Dates::new();
        let objects = match S3Message::parse(&message.body, self.lake.bucket())? {
            S3Message::Test => return Ok(dates),
            S3Message::Created(objects) => objects,
        };
        for object in objects {
            let key: RawKey = object.key.parse()?;
            if key.file_name != self.file_name {
                return Err(TriggerError::OtherFile { object: self.lake.uri(&key) });
            }
            if self.lake.exists(&key).await? {
                dates.insert(key.date);
            }
        }
        Ok(dates)
    }

    /// One run for the whole batch.
    async fn start(
        &self,
        looked_at: &[Handled<Dates>],
        invocation: &Invocation,
    ) -> Result<Outcome, Failure> {
        let dates: Dates = looked_at
            .iter()
            .filter_map(|(_, dates)| dates.as_ref().ok())
            .flatten()
            .copied()
            .collect();
        if dates.is_empty() {
            return Ok(Outcome::NothingToDo("no object to refine"));
        }
        match self.job.start(&dates, &invocation.request_id).await {
            Ok(run_id) => {
                let dates = job::list(&dates);
                tracing::info!(run_id, dates, claim_id = invocation.request_id, "Glue run started");
                Ok(Outcome::Done)
            }
            Err(error) => Err(Failure::new(&TriggerError::Aws(error))),
        }
    }
}
