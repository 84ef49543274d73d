//! Reports how a Glue run ended: success to the completions topic, anything else to the alerts topic.

mod error;
mod job;
pub mod notification;
mod topics;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{GlueStateChange, RunState},
    settings::{Environment, SettingError},
    stage::{Invocation, Message, Outcome, SqsDeadLetters, Stage},
};

pub use error::NotifyError;
use job::Job;
use notification::Notification;
use topics::Topics;

/// What the function does, and with what.
#[derive(Clone, Debug)]
pub struct GlueNotifier {
    /// `AWS_REGION`, which Lambda sets: for the links in alerts.
    region: String,
    job: Job,
    topics: Topics,
    stage: Stage<SqsDeadLetters>,
}

impl GlueNotifier {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        Ok(Self {
            region: environment.required("AWS_REGION")?,
            job: Job::new(&sdk, environment.required("GLUE_JOB_NAME")?),
            topics: Topics::new(
                &sdk,
                environment.required("COMPLETIONS_TOPIC_ARN")?,
                environment.required("ALERTS_TOPIC_ARN")?,
            ),
            stage: Stage::from_environment("glue-notifier", environment, &sdk)?,
        })
    }

    /// Handles one batch of state changes.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let notify = |message: Message| {
            let notifier = Arc::clone(self);
            async move { notifier.notify(&message).await }
        };
        Ok(self.stage.run(event.payload, &invocation, notify).await?)
    }

    async fn notify(&self, message: &Message) -> Result<Outcome, NotifyError> {
        let change = GlueStateChange::parse(&message.body)?;
        if change.job_name != self.job.name() {
            let served = self.job.name().to_owned();
            return Err(NotifyError::OtherJob { found: change.job_name, served });
        }
        // The event carries neither arguments nor times, so the run itself is asked.
        let run = self.job.run(&change.run_id).await?;
        let notification = match &run.state {
            RunState::Succeeded => Notification::completion(self.job.name(), &run),
            RunState::Failed(_) => Notification::alert(self.job.name(), &run, &self.region),
            RunState::Active(_) if matches!(change.state, RunState::Active(_)) => {
                return Ok(Outcome::NothingToDo("the run has not ended"));
            }
            RunState::Active(state) => {
                return Err(NotifyError::NotYetEnded { run_id: run.id, state: state.clone() });
            }
        };
        self.topics.publish(&notification).await?;
        tracing::info!(
            run_id = run.id,
            run_state = run.state.name(),
            dates = run.dates,
            claim_id = run.claim_id,
            "Glue run reported"
        );
        Ok(Outcome::Done)
    }
}
