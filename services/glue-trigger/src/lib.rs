//! Has the dates refined whose raw file changed, by at most one Glue run at a time.
//!
//! What is due is kept in the refine state ([`shared::refine`]); this function notes what its messages
//! hint at, and starts a run if none is active.

mod error;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{CreatedObject, EventError, GlueQueueMessage, RefineRequest, S3Message},
    lake::{FileName, RawKey},
    refine::{self, GlueRuns, Moment, Noted, Pumped, S3Control},
    settings::{Environment, SettingError},
    stage::{self, Failure, Invocation, Message, Outcome, SqsQueues, Stage},
};

pub use error::TriggerError;

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
        // A record that hangs must not take the time that starting a run for its neighbours needs.
        let noting = invocation.first_half();
        let note = |message: Message| {
            let (trigger, noting) = (Arc::clone(self), noting.clone());
            async move { trigger.note_all(&message, &noting).await }
        };
        let noted = Stage::<SqsQueues>::each(messages, &invocation, note).await;
        let hints = noted.iter().flat_map(|(_, parts)| parts).flatten();
        let pumped = match hints.into_iter().any(|hint| *hint == Ok(Hint::Due)) {
            true => self.pump(&invocation).await,
            false => Ok(()),
        };
        let outcome = |hint| match hint {
            Hint::Due => pumped.clone().map(|()| Outcome::Done),
            Hint::Nothing(reason) => Ok(Outcome::NothingToDo(reason)),
        };
        let settled = noted.into_iter().map(|(message, hints)| {
            let outcome = hints.and_then(|hints| {
                let parts = hints.into_iter().map(|hint| hint.and_then(outcome));
                self.stage.whole(&message, parts.collect())
            });
            (message, outcome)
        });
        Ok(self.stage.settle(settled.collect(), &invocation).await)
    }

    /// A message may name several raw files.
    async fn note_all(
        self: Arc<Self>,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Vec<Result<Hint, Failure>>, TriggerError> {
        /// Of the records of one message. Each takes a few small calls.
        const AT_ONCE: usize = 16;
        match GlueQueueMessage::parse(&message.body, self.control.bucket())? {
            GlueQueueMessage::S3(S3Message::Test) => Ok(vec![Ok(Hint::Nothing("no raw files"))]),
            GlueQueueMessage::S3(S3Message::Created(records)) => {
                let note = |record| {
                    let trigger = Arc::clone(&self);
                    async move { trigger.note_written(record).await }
                };
                Ok(stage::each_part(records, AT_ONCE, invocation, note).await)
            }
            GlueQueueMessage::Refine(request) => {
                let sent_at = message.sent_at;
                let note = |request| {
                    let trigger = Arc::clone(&self);
                    async move { trigger.note_requested(&request, sent_at).await }
                };
                Ok(stage::each_part([request], AT_ONCE, invocation, note).await)
            }
        }
    }

    async fn note_written(
        &self,
        record: Result<CreatedObject, EventError>,
    ) -> Result<Hint, TriggerError> {
        let date = self.date_of(&record?.key)?;
        Ok(self.note_date(date).await?.unwrap_or(Hint::Nothing("object gone")))
    }

    async fn note_requested(
        &self,
        request: &RefineRequest,
        sent_at: Option<DateTime<Utc>>,
    ) -> Result<Hint, TriggerError> {
        let date = request.date;
        if request.force {
            refine::force(&self.control, date, sent_at).await?;
        }
        self.note_date(date).await?.ok_or(TriggerError::NoRawFile { date })
    }

    /// `None` if there is no raw file.
    async fn note_date(&self, date: NaiveDate) -> Result<Option<Hint>, TriggerError> {
        match refine::note(&self.control, date).await? {
            Noted::Pending => Ok(Some(Hint::Due)),
            Noted::AlreadyRefined => Ok(Some(Hint::Nothing("content already refined"))),
            Noted::NoRawFile => Ok(None),
            Noted::ForeignRawFile { object } => Err(TriggerError::ForeignRawFile { object }),
        }
    }

    fn date_of(&self, key: &str) -> Result<NaiveDate, TriggerError> {
        let raw: RawKey = key.parse()?;
        if raw.file_name != self.settings.file_name {
            return Err(TriggerError::OtherFile { object: self.control.uri(key) });
        }
        Ok(raw.date)
    }

    async fn pump(self: &Arc<Self>, invocation: &Invocation) -> Result<(), Failure> {
        let trigger = Arc::clone(self);
        let moment = Moment::of(invocation, self.settings.claim_grace);
        let unique = invocation.request_id.clone();
        let pump = async move {
            let Self { control, runs, .. } = &*trigger;
            refine::pump(control, runs, &unique, moment).await.map_err(TriggerError::Aws)
        };
        let pumped = stage::guarded(pump, invocation).await?;
        log(&pumped);
        Ok(())
    }
}

/// What a date that a message names comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    /// It is pending now: perhaps a run has to be started.
    Due,
    /// It is not, for the reason named.
    Nothing(&'static str),
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
