//! Starts a Glue run for what is due, after a raw file was written or a date was requested.
//!
//! What is due follows from the lake, not from the messages ([`shared::refine`]): a batch is decoded, and one reconcile
//! answers all of it.

mod error;

use std::{collections::BTreeMap, sync::Arc};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::NaiveDate;
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{CreatedObject, EventError, GlueQueueMessage, RefineRequest, S3Message},
    lake::RawKey,
    refine::{self, AwsState, Reconciled},
    settings::{Environment, SettingError},
    stage::{self, Failure, Invocation, Message, Outcome, SqsQueues, Stage},
};

pub use error::TriggerError;

/// Clients and settings of glue-trigger.
#[derive(Clone, Debug)]
pub struct GlueTrigger {
    state: AwsState,
    stage: Stage<SqsQueues>,
}

/// The request of one record of a message.
#[derive(Clone, Debug)]
enum Ask {
    /// A raw file was written: reconcile.
    Look,
    /// Refine this date.
    Refine(RefineRequest),
}

impl GlueTrigger {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        Ok(Self {
            state: AwsState::from_environment(environment, &sdk)?,
            stage: Stage::from_environment("glue-trigger", environment, &sdk)?,
        })
    }

    /// Handles one batch: decodes its messages, and reconciles once for all of them.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let messages = Message::of_batch(event.payload)?;
        let read = |message: Message| {
            let trigger = Arc::clone(self);
            async move { trigger.read(&message) }
        };
        let read = Stage::<SqsQueues>::each(messages, &invocation, read).await;
        let asks = read.iter().filter_map(|(_, asks)| asks.as_ref().ok()).flatten();
        let asks: Vec<_> = asks.flatten().cloned().collect();
        let answer = self.answer(&asks, &invocation).await;
        let settled = read.into_iter().map(|(message, asks)| {
            let answered = |ask: Result<Ask, Failure>| ask.and_then(|ask| answer.to(&ask));
            let outcome = asks.and_then(|asks| {
                self.stage.whole(&message, asks.into_iter().map(answered).collect())
            });
            (message, outcome)
        });
        Ok(self.stage.settle(settled.collect(), &invocation).await)
    }

    /// A message may name several raw files.
    fn read(&self, message: &Message) -> Result<Vec<Result<Ask, Failure>>, TriggerError> {
        Ok(match GlueQueueMessage::parse(&message.body, self.state.bucket.name())? {
            GlueQueueMessage::S3(S3Message::Test) => vec![],
            GlueQueueMessage::S3(S3Message::Created(records)) => {
                let look = |record| self.look(record).map_err(|error| Failure::new(&error));
                records.into_iter().map(look).collect()
            }
            GlueQueueMessage::Refine(request) => vec![Ok(Ask::Refine(request))],
        })
    }

    fn look(&self, record: Result<CreatedObject, EventError>) -> Result<Ask, TriggerError> {
        let key = record?.key;
        let raw: RawKey = key.parse()?;
        match raw.file_name == self.state.file_name {
            true => Ok(Ask::Look),
            false => Err(TriggerError::OtherFile { object: self.state.bucket.uri(&key) }),
        }
    }

    async fn answer(&self, asks: &[Ask], invocation: &Invocation) -> Answer {
        if asks.is_empty() {
            return Answer::all(Ok(Outcome::NothingToDo("no raw files")));
        }
        let state = self.state.until(invocation.deadline);
        let requests = asks.iter().filter_map(|ask| match ask {
            Ask::Look => None,
            Ask::Refine(request) => Some(request.clone()),
        });
        let requests: Vec<_> = requests.collect();
        let work =
            async move { refine::answer(&state, &requests).await.map_err(TriggerError::Aws) };
        match stage::guarded(work, invocation).await {
            Ok((refused, reconciled)) => {
                log(&reconciled);
                let failure = |date, refusal| Failure::new(&TriggerError::of(date, refusal));
                let refused = refused.into_iter();
                let refused = refused.map(|(date, refusal)| (date, failure(date, refusal)));
                Answer { refused: refused.collect(), others: Ok(outcome(&reconciled)) }
            }
            Err(failure) => Answer::all(Err(failure)),
        }
    }
}

/// The outcomes of a batch.
#[derive(Clone, Debug)]
struct Answer {
    /// Requests that were refused, by date.
    refused: BTreeMap<NaiveDate, Failure>,
    /// The outcome of everything else.
    others: Result<Outcome, Failure>,
}

impl Answer {
    fn all(outcome: Result<Outcome, Failure>) -> Self {
        Self { refused: BTreeMap::new(), others: outcome }
    }

    fn to(&self, ask: &Ask) -> Result<Outcome, Failure> {
        let refused = match ask {
            Ask::Look => None,
            Ask::Refine(request) => self.refused.get(&request.date),
        };
        refused.map_or_else(|| self.others.clone(), |failure| Err(failure.clone()))
    }
}

fn outcome(reconciled: &Reconciled) -> Outcome {
    match reconciled {
        Reconciled::NothingDue => Outcome::NothingToDo("nothing is due"),
        // What is due is found again by the end of the run that is active, or by the tick.
        Reconciled::Started { .. } | Reconciled::Active | Reconciled::Busy => Outcome::Done,
    }
}

fn log(reconciled: &Reconciled) {
    match reconciled {
        Reconciled::Started { run_id, due } => tracing::info!(
            run_id,
            date_count = due.len(),
            first_date = due.keys().next().map(ToString::to_string),
            last_date = due.keys().next_back().map(ToString::to_string),
            "Glue run started"
        ),
        Reconciled::Active => tracing::info!("a run is active, its end starts the next one"),
        Reconciled::NothingDue => tracing::info!("nothing is due"),
        Reconciled::Busy => {
            tracing::warn!("Glue says that the job is busy; the tick starts the next run");
        }
    }
}
