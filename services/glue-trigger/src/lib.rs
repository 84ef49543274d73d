//! Starts a Glue run for what is due, when a raw file has been written or a date is requested.
//!
//! What is due follows from the lake, not from the messages ([`refine`]), so one reconcile answers a whole batch.

mod error;

use refine::{AwsState, Reconciled};
use shared::{
    aws::Bucket as _,
    events::{CreatedObject, EventError, GlueQueueMessage, RefineRequest, S3Message},
    keys::RawKey,
    queues::Message,
    settings::{Environment, SettingError},
    stage::{Batch, Connections, Decoded, Failed, Handler, Outcome},
};

pub use error::TriggerError;

pub struct GlueTrigger {
    state: AwsState,
}

pub enum Task {
    /// A raw file was written.
    Reconcile,
    Refine(RefineRequest),
}

impl Handler for GlueTrigger {
    const STAGE: &'static str = "glue";
    type Task = Task;
    type Error = TriggerError;

    async fn from_environment(
        environment: &Environment,
        connections: &Connections,
    ) -> Result<Self, SettingError> {
        Ok(Self { state: AwsState::from_environment(environment, &connections.sdk)? })
    }

    fn decode(&self, message: &Message) -> Decoded<Task, TriggerError> {
        Ok(match GlueQueueMessage::parse(&message.body, self.state.bucket.name())? {
            GlueQueueMessage::S3(S3Message::Test) => vec![],
            GlueQueueMessage::S3(S3Message::Created(records)) => {
                records.into_iter().map(|record| self.raw_file(record)).collect()
            }
            GlueQueueMessage::Refine(request) => vec![Ok(Task::Refine(request))],
        })
    }

    async fn perform(&self, batch: Batch<'_, Task>) -> Vec<Result<Outcome, Failed>> {
        let state = self.state.until(batch.deadline());
        batch.together(async |tasks| reconcile(&state, &tasks).await).await
    }
}

impl GlueTrigger {
    fn raw_file(&self, record: Result<CreatedObject, EventError>) -> Result<Task, TriggerError> {
        let key = record?.key;
        let raw: RawKey = key.parse()?;
        match raw.file_name == self.state.file_name {
            true => Ok(Task::Reconcile),
            false => Err(TriggerError::OtherFile { object: self.state.bucket.uri(&key) }),
        }
    }
}

async fn reconcile(
    state: &AwsState,
    tasks: &[Task],
) -> Result<Vec<Result<Outcome, TriggerError>>, TriggerError> {
    if tasks.is_empty() {
        return Ok(vec![]);
    }
    let requests = tasks.iter().filter_map(|task| match task {
        Task::Reconcile => None,
        Task::Refine(request) => Some(request.clone()),
    });
    let (refused, reconciled) = refine::answer(state, &requests.collect::<Vec<_>>()).await?;
    log(&reconciled);
    let result = |task: &Task| {
        if let Task::Refine(RefineRequest { date, .. }) = task
            && let Some(refusal) = refused.get(date)
        {
            return Err(TriggerError::of(*date, refusal.clone()));
        }
        Ok(outcome(&reconciled))
    };
    Ok(tasks.iter().map(result).collect())
}

fn outcome(reconciled: &Reconciled) -> Outcome {
    match reconciled {
        Reconciled::NothingDue => Outcome::NothingToDo("nothing is due"),
        // The end of the active run or the tick finds what is still due.
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
