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
        let note = |message: Message| {
            let trigger = Arc::clone(self);
            async move { trigger.note(&message).await }
        };
        // A record that hangs must not take the time that starting a run for its neighbours needs.
        let noted = Stage::<SqsQueues>::each(messages, &invocation.first_half(), note).await;
        let pumped = match noted.iter().any(|(_, hint)| *hint == Ok(Hint::Due)) {
            true => self.pump(&invocation).await,
            false => Ok(()),
        };
        let settled = noted.into_iter().map(|(message, hint)| {
            let outcome = hint.and_then(|hint| match hint {
                Hint::Due => pumped.clone().map(|()| Outcome::Done),
                Hint::Nothing(reason) => Ok(Outcome::NothingToDo(reason)),
            });
            (message, outcome)
        });
        Ok(self.stage.settle(settled.collect(), &invocation).await)
    }

    async fn note(&self, message: &Message) -> Result<Hint, TriggerError> {
        match GlueQueueMessage::parse(&message.body, self.control.bucket())? {
            GlueQueueMessage::S3(S3Message::Test) => Ok(Hint::Nothing("no raw files")),
            GlueQueueMessage::S3(S3Message::Created(objects)) => {
                let dates = objects.iter().map(|object| self.date_of(&object.key));
                let mut hint = Hint::Nothing("no raw files");
                for date in dates.collect::<Result<BTreeSet<_>, _>>()? {
                    let noted = self.note_date(date).await?;
                    hint = hint.or(noted.unwrap_or(Hint::Nothing("object gone")));
                }
                Ok(hint)
            }
            GlueQueueMessage::Refine(request) => {
                if request.force {
                    refine::force(&self.control, request.date, message.sent_at).await?;
                }
                let noted = self.note_date(request.date).await?;
                noted.ok_or(TriggerError::NoRawFile { date: request.date })
            }
        }
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

/// What the dates of a message come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    /// One of them is pending now: perhaps a run has to be started.
    Due,
    /// None of them is, for the reason named.
    Nothing(&'static str),
}

impl Hint {
    fn or(self, other: Self) -> Self {
        match self {
            Self::Due => self,
            Self::Nothing(_) => other,
        }
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
