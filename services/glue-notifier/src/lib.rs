//! Takes in the end of a Glue run: records it in the refine state, tells programs and people, has failed
//! dates replayable, and starts the next run. The tick has it look whether any of that is overdue.

mod error;
pub mod notification;
mod reporter;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::TimeDelta;
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{CompletionMessage, GlueStateChange, RunState},
    refine::{self, Finished, GlueRuns, Moment, Pumped, Run, Runs, S3Control, Ticked},
    settings::{Environment, SettingError},
    stage::{Invocation, Message, Outcome, SqsQueues, Stage},
};

pub use error::NotifyError;
use reporter::Reporter;

/// What the function does, and with what.
#[derive(Clone, Debug)]
pub struct GlueNotifier {
    /// `CLAIM_GRACE`: seconds after which a run that may have been started is looked up. Longer than Glue
    /// takes to list a new run.
    claim_grace: TimeDelta,
    control: S3Control,
    runs: GlueRuns,
    reporter: Reporter,
    stage: Stage<SqsQueues>,
}

impl GlueNotifier {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        Ok(Self {
            claim_grace: TimeDelta::seconds(i64::from(environment.or("CLAIM_GRACE", 30_u32)?)),
            control: S3Control::new(
                aws::s3_client(&sdk),
                environment.required("S3_BUCKET")?,
                environment.required("FILENAME")?,
            ),
            runs: GlueRuns::new(&sdk, environment.required("GLUE_JOB_NAME")?),
            reporter: Reporter::from_environment(environment, &sdk)?,
            stage: Stage::from_environment("glue-notifier", environment, &sdk)?,
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
        let moment = Moment::of(invocation, self.claim_grace);
        // Unique among claims: each record of an invocation may make one.
        let unique = format!("{}-{}", invocation.request_id, message.id);
        match CompletionMessage::parse(&message.body)? {
            CompletionMessage::Tick => self.tick(&unique, moment).await,
            CompletionMessage::StateChange(change) => self.ended(&change, &unique, moment).await,
        }
    }

    async fn tick(&self, unique: &str, moment: Moment) -> Result<Outcome, NotifyError> {
        let Self { control, runs, reporter, .. } = self;
        Ok(match refine::tick(control, runs, reporter, unique, moment).await? {
            Ticked::Finished(finished, pumped) => {
                tracing::warn!(?finished, "the end of a run was found by the tick");
                log(&pumped);
                Outcome::Done
            }
            Ticked::Pumped(pumped) => {
                log(&pumped);
                match pumped {
                    Pumped::Running(_) => Outcome::Done,
                    Pumped::Held | Pumped::Idle => Outcome::NothingToDo("nothing is overdue"),
                }
            }
            Ticked::Active => Outcome::NothingToDo("a run is active"),
        })
    }

    async fn ended(
        &self,
        change: &GlueStateChange,
        unique: &str,
        moment: Moment,
    ) -> Result<Outcome, NotifyError> {
        let run = self.run(change).await?;
        if matches!(change.state, RunState::Active(_)) {
            return Ok(Outcome::NothingToDo("the run has not ended"));
        }
        let Run { id: run_id, state, dates, seconds, .. } = &run;
        let Self { control, runs, reporter, .. } = self;
        let (finished, pumped) =
            refine::ended(control, runs, reporter, &run, unique, moment).await?;
        log(&pumped);
        match finished {
            Finished::Recorded => {
                tracing::info!(
                    run_id,
                    run_state = state.name(),
                    dates,
                    run_seconds = seconds,
                    "Glue run ended"
                );
                Ok(Outcome::Done)
            }
            Finished::RecordedBefore => Ok(Outcome::NothingToDo("the end is recorded already")),
            Finished::Unclaimed => Ok(Outcome::NothingToDo("the run was started by hand")),
            Finished::UnclaimedFailure => Ok(Outcome::Done),
        }
    }

    /// The run itself: the event carries neither arguments nor times.
    async fn run(&self, change: &GlueStateChange) -> Result<Run, NotifyError> {
        if change.job_name != self.runs.job_name() {
            let served = self.runs.job_name().to_owned();
            return Err(NotifyError::OtherJob { found: change.job_name.clone(), served });
        }
        let run = self.runs.get(&change.run_id).await?;
        run.ok_or_else(|| NotifyError::NoRun { run_id: change.run_id.clone() })
    }
}

fn log(pumped: &Pumped) {
    if let Pumped::Running(holder) = pumped {
        tracing::info!(
            run_id = holder.run_id,
            claim_id = holder.claim_id.as_str(),
            date_count = holder.dates.len(),
            "Glue run started for what was pending"
        );
    }
}
