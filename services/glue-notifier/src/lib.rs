//! Records the end of a Glue run: parks what it left unfinished, notifies programs and people, and starts the next run. The
//! tick catches up on whatever of that is overdue.

mod error;
pub mod notification;
mod reporter;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{CompletionMessage, GlueStateChange, RunState},
    refine::{self, AwsState, Ended, Reconciled, Run, State as _},
    settings::{Environment, SettingError},
    stage::{Invocation, Message, Outcome, SqsQueues, Stage},
};
use tokio::sync::Mutex;

pub use error::NotifyError;
use reporter::Reporter;

/// Clients and settings of glue-notifier.
#[derive(Debug)]
pub struct GlueNotifier {
    state: AwsState,
    reporter: Reporter,
    stage: Stage<SqsQueues>,
    /// Serialises the messages of a batch: two of them may be about the same end.
    turn: Mutex<()>,
}

impl GlueNotifier {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        Ok(Self {
            state: AwsState::from_environment(environment, &sdk)?,
            reporter: Reporter::from_environment(environment, &sdk)?,
            stage: Stage::from_environment("glue-notifier", environment, &sdk)?,
            turn: Mutex::new(()),
        })
    }

    /// Handles one batch of ends of runs, and ticks.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let take_in = |message: Message| {
            let (notifier, invocation) = (Arc::clone(self), invocation.clone());
            async move { notifier.take_in(&message, &invocation).await }
        };
        Ok(self.stage.run(event.payload, &invocation, take_in).await?)
    }

    async fn take_in(
        &self,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Outcome, NotifyError> {
        let message = CompletionMessage::parse(&message.body)?;
        let _turn = self.turn.lock().await;
        let state = self.state.until(invocation.deadline);
        match message {
            CompletionMessage::Tick => self.tick(&state).await,
            CompletionMessage::StateChange(change) => self.ended(&state, &change).await,
        }
    }

    async fn tick(&self, state: &AwsState) -> Result<Outcome, NotifyError> {
        let Ended { told, reconciled } = refine::tick(state, &self.reporter).await?;
        for (run_id, _) in &told {
            tracing::warn!(run_id, "the end of a run was found by the tick");
        }
        log(&reconciled);
        match reconciled {
            // The other moves leave it to the tick; here it becomes a failure, and reaches people.
            Reconciled::Busy => Err(NotifyError::Busy),
            Reconciled::Started { .. } => Ok(Outcome::Done),
            _ if !told.is_empty() => Ok(Outcome::Done),
            Reconciled::Active => Ok(Outcome::NothingToDo("a run is active")),
            Reconciled::NothingDue => Ok(Outcome::NothingToDo("nothing is overdue")),
        }
    }

    async fn ended(
        &self,
        state: &AwsState,
        change: &GlueStateChange,
    ) -> Result<Outcome, NotifyError> {
        if change.job_name != self.state.job_name {
            let (found, served) = (change.job_name.clone(), self.state.job_name.clone());
            return Err(NotifyError::OtherJob { found, served });
        }
        if matches!(change.state, RunState::Active(_)) {
            return Ok(Outcome::NothingToDo("the run has not ended"));
        }
        let run = ended_run(state, &change.run_id).await?;
        let runs = std::slice::from_ref(&run);
        let Ended { told, reconciled } = refine::ended(state, &self.reporter, runs).await?;
        log(&reconciled);
        let Some((run_id, parked)) = told.first() else {
            return Ok(Outcome::NothingToDo("people know of its end"));
        };
        let (dates, run_state, run_seconds) = (&run.dates, run.state.name(), run.seconds);
        let parked = parked.len();
        tracing::info!(run_id, run_state, dates, parked, run_seconds, "Glue run ended");
        Ok(Outcome::Done)
    }
}

/// The run itself: the event has neither arguments nor times. GetJobRuns may lag behind the event.
async fn ended_run(state: &AwsState, run_id: &str) -> Result<Run, NotifyError> {
    loop {
        let run = state.runs().await?.into_iter().find(|run| run.id == run_id);
        let run = run.ok_or_else(|| NotifyError::NoRun { run_id: run_id.to_owned() })?;
        if !run.is_active() {
            return Ok(run);
        }
        if !state.pause().await {
            let (run_id, state) = (run.id, run.state.name().to_owned());
            return Err(NotifyError::NotEnded { run_id, state });
        }
    }
}

fn log(reconciled: &Reconciled) {
    match reconciled {
        Reconciled::Started { run_id, due } => {
            tracing::info!(run_id, date_count = due.len(), "Glue run started for what is due");
        }
        Reconciled::Busy => {
            tracing::warn!("Glue says that the job is busy; the tick starts the next run");
        }
        Reconciled::Active | Reconciled::NothingDue => {}
    }
}
