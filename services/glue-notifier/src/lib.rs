//! Records the end of a Glue run: parks its failed dates, notifies programs and people, and starts the next run. The
//! tick makes up for lost steps. Also notifies people of a day whose portfolio has not landed.

mod error;
mod language;
mod mail;
mod notification;
mod reporter;
mod stack;

use chrono::{DateTime, Utc};
use refine::{AwsState, Ended, Reconciled, Run, Session, State as _};
use shared::{
    events::{CompletionMessage, GlueStateChange, RunState},
    queues::Message,
    settings::{Environment, SettingError},
    stage::{Batch, Connections, Decoded, Failed, Handler, Outcome},
};

pub use error::NotifyError;
use reporter::SnsReporter;

pub struct GlueNotifier {
    state: AwsState,
    reporter: SnsReporter,
}

impl Handler for GlueNotifier {
    const STAGE: &'static str = "completion";
    type Task = CompletionMessage;
    type Error = NotifyError;

    async fn from_environment(
        environment: &Environment,
        connections: &Connections,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            state: AwsState::from_environment(environment, &connections.sdk)?,
            reporter: SnsReporter::from_environment(environment, &connections.sdk)?,
        })
    }

    fn decode(&self, message: &Message) -> Decoded<CompletionMessage, NotifyError> {
        Ok(vec![Ok(CompletionMessage::parse(&message.body)?)])
    }

    /// One message after the other: two of a batch may be about the same run.
    async fn perform(&self, batch: Batch<'_, CompletionMessage>) -> Vec<Result<Outcome, Failed>> {
        let state = &self.state.until(batch.deadline());
        let record = async |message| match message {
            CompletionMessage::Tick => self.tick(state).await,
            CompletionMessage::SessionCheck(moment) => self.check_session(state, moment).await,
            CompletionMessage::StateChange(change) => self.ended(state, &change).await,
        };
        batch.each(1, record).await
    }
}

impl GlueNotifier {
    async fn tick(&self, state: &AwsState) -> Result<Outcome, NotifyError> {
        let Ended { reported, reconciled } = refine::tick(state, &self.reporter).await?;
        for (run_id, _) in &reported {
            tracing::warn!(run_id, "the end of a run was found by the tick");
        }
        log(&reconciled);
        match reconciled {
            // Other callers leave a busy job to the tick. At the tick it is a failure, so that people hear of it.
            Reconciled::Busy => Err(NotifyError::Busy),
            Reconciled::Started { .. } => Ok(Outcome::Done),
            _ if !reported.is_empty() => Ok(Outcome::Done),
            Reconciled::Active => Ok(Outcome::NothingToDo("a run is active")),
            Reconciled::NothingDue => Ok(Outcome::NothingToDo("nothing is overdue")),
        }
    }

    /// A mail that was sent is sent again only if the function dies before that is recorded.
    async fn check_session(
        &self,
        state: &AwsState,
        moment: DateTime<Utc>,
    ) -> Result<Outcome, NotifyError> {
        match refine::session(state, self.reporter.index(), moment).await? {
            Session::Weekend => Ok(Outcome::NothingToDo("there is no session at a weekend")),
            Session::Landed => Ok(Outcome::NothingToDo("the portfolio has landed")),
            Session::Told(_) => Ok(Outcome::NothingToDo("people were already notified")),
            Session::Missed(day) => {
                tracing::warn!(%day, "no portfolio of this day or a later one has landed");
                self.reporter.missed(day, moment).await?;
                refine::note_missed(state, day).await?;
                Ok(Outcome::Done)
            }
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
        let Ended { reported, reconciled } = refine::ended(state, &self.reporter, runs).await?;
        log(&reconciled);
        let Some((run_id, parked)) = reported.first() else {
            return Ok(Outcome::NothingToDo("people were already notified"));
        };
        let (dates, run_state, run_seconds) = (&run.dates, run.state.name(), run.seconds);
        let parked = parked.len();
        tracing::info!(run_id, run_state, dates, parked, run_seconds, "Glue run ended");
        Ok(Outcome::Done)
    }
}

/// Reads the run from Glue, since the event has neither arguments nor times. GetJobRuns may lag behind the event.
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
