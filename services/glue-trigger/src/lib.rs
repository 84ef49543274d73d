//! Has the dates refined whose raw file changed, by at most one Glue run at a time.
//!
//! What is due is kept in the refine state ([`shared::refine`]); this function notes what its messages
//! hint at, and starts a run if none is active.

mod error;

use std::{collections::BTreeSet, sync::Arc};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::{NaiveDate, TimeDelta};
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{GlueQueueMessage, S3Message},
    lake::{FileName, RawKey},
    refine::{self, Control, GlueRuns, Moment, Noted, Pumped, S3Control},
    settings::{Environment, SettingError},
    stage::{Failure, Handled, Invocation, Message, Outcome, SqsQueues, Stage},
};

pub use error::TriggerError;
use tokio::time::timeout_at;

/// What the function does, and with what.
#[derive(Clone, Debug)]
pub struct GlueTrigger {
    settings: Settings,
    control: S3Control,
    runs: GlueRuns,
    stage: Stage<SqsQueues>,
}

/// The trigger's own settings.
#[derive(Clone, Debug)]
struct Settings {
    /// `FILENAME`: the raw file's name in each date's partition.
    file_name: FileName,
    /// `CLAIM_GRACE`: seconds after which a run that may have been started is looked up. Longer than Glue
    /// takes to list a new run.
    claim_grace: TimeDelta,
}

impl GlueTrigger {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        let file_name: FileName = environment.required("FILENAME")?;
        let claim_grace = TimeDelta::seconds(i64::from(environment.or("CLAIM_GRACE", 30_u32)?));
        Ok(Self {
            control: S3Control::new(
                aws::s3_client(&sdk),
                environment.required("S3_BUCKET")?,
                file_name.clone(),
            ),
            settings: Settings { file_name, claim_grace },
            runs: GlueRuns::new(&sdk, environment.required("GLUE_JOB_NAME")?),
            stage: Stage::from_environment("glue-trigger", environment, &sdk)?,
        })
    }

    /// Handles one batch: notes every date, then starts one run for all that is due.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let messages = Message::of_batch(event.payload)?;
        let note = |message: Message| {
            let trigger = Arc::clone(self);
            async move { trigger.note(&message).await }
        };
        let noted = Stage::<SqsQueues>::each(messages, &invocation, note).await;
        let pumped = self.pump_if_due(&noted, &invocation).await;
        let settled = noted.into_iter().map(|(message, noted)| {
            let outcome = noted.and_then(|noted| match noted {
                Outcome::Done => pumped.clone(),
                Outcome::NothingToDo(_) => Ok(noted),
            });
            (message, outcome)
        });
        Ok(self.stage.settle(settled.collect(), &invocation).await)
    }

    /// [`Outcome::Done`] if a date of the message is pending now.
    async fn note(&self, message: &Message) -> Result<Outcome, TriggerError> {
        let mut outcome = Outcome::NothingToDo("no raw files");
        for date in self.dates(message).await? {
            match refine::note(&self.control, date).await? {
                Noted::Pending => outcome = Outcome::Done,
                Noted::AlreadyRefined if outcome != Outcome::Done => {
                    outcome = Outcome::NothingToDo("content already refined");
                }
                Noted::NoRawFile if outcome != Outcome::Done => {
                    outcome = Outcome::NothingToDo("object gone");
                }
                Noted::AlreadyRefined | Noted::NoRawFile => {}
            }
        }
        Ok(outcome)
    }

    async fn dates(&self, message: &Message) -> Result<BTreeSet<NaiveDate>, TriggerError> {
        match GlueQueueMessage::parse(&message.body, self.control.bucket())? {
            GlueQueueMessage::S3(S3Message::Test) => Ok(BTreeSet::new()),
            GlueQueueMessage::S3(S3Message::Created(objects)) => {
                objects.iter().map(|object| self.date_of(&object.key)).collect()
            }
            GlueQueueMessage::Refine(request) => {
                if request.force {
                    self.control.forget_done(request.date).await?;
                }
                Ok([request.date].into())
            }
        }
    }

    fn date_of(&self, key: &str) -> Result<NaiveDate, TriggerError> {
        let raw: RawKey = key.parse()?;
        if raw.file_name != self.settings.file_name {
            return Err(TriggerError::OtherFile { object: self.control.uri(key) });
        }
        Ok(raw.date)
    }

    async fn pump_if_due(
        &self,
        noted: &[Handled<Outcome>],
        invocation: &Invocation,
    ) -> Result<Outcome, Failure> {
        let due = noted.iter().any(|(_, outcome)| *outcome == Ok(Outcome::Done));
        if due {
            let moment = Moment::of(invocation, self.settings.claim_grace);
            let pump = refine::pump(&self.control, &self.runs, &invocation.request_id, moment);
            match timeout_at(invocation.deadline, pump).await {
                Ok(Ok(pumped)) => log(&pumped),
                Ok(Err(error)) => return Err(Failure::new(&TriggerError::Aws(error))),
                Err(_) => return Err(Failure::out_of_time()),
            }
        }
        Ok(Outcome::Done)
    }
}

fn log(pumped: &Pumped) {
    match pumped {
        Pumped::Running(holder) => tracing::info!(
            run_id = holder.run_id,
            claim_id = holder.claim_id.as_str(),
            date_count = holder.dates.len(),
            first_date = holder.dates.keys().next().map(ToString::to_string),
            last_date = holder.dates.keys().next_back().map(ToString::to_string),
            "Glue run started"
        ),
        Pumped::Held => tracing::info!("a run is active, its end starts the next one"),
        Pumped::Idle => tracing::info!("nothing is pending"),
    }
}
