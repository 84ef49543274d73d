//! The Glue job and its runs.

use aws_config::SdkConfig;
use aws_sdk_glue::{Client, types::JobRun};
use shared::{aws::CallError, events::RunState};

use crate::error::NotifyError;

#[derive(Clone, Debug)]
pub(crate) struct Job {
    client: Client,
    name: String,
}

/// A run of the job, as Glue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `jr_…`.
    pub id: String,
    /// How it stands.
    pub state: RunState,
    /// Its `--dates` argument: ISO dates with commas between.
    pub dates: String,
    /// Its `--claim_id` argument.
    pub claim_id: String,
    /// What Glue says went wrong.
    pub error: Option<String>,
    /// How long it ran, in seconds.
    pub seconds: i32,
}

impl Job {
    pub(crate) fn new(sdk: &SdkConfig, name: String) -> Self {
        Self { client: Client::new(sdk), name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn run(&self, run_id: &str) -> Result<Run, NotifyError> {
        let request = self.client.get_job_run().job_name(&self.name).run_id(run_id);
        let answer = request
            .send()
            .await
            .map_err(|error| CallError::from_sdk("GetJobRun", run_id, &error))?;
        let run =
            answer.job_run().ok_or_else(|| NotifyError::NoRun { run_id: run_id.to_owned() })?;
        Ok(Run::from_glue(run_id, run))
    }
}

impl Run {
    fn from_glue(run_id: &str, run: &JobRun) -> Self {
        let argument =
            |name: &str| run.arguments().and_then(|all| all.get(name)).cloned().unwrap_or_default();
        let state = run.job_run_state().map_or("UNKNOWN", |state| state.as_str());
        Self {
            id: run_id.to_owned(),
            state: RunState::from_name(state),
            dates: argument("--dates"),
            claim_id: argument("--claim_id"),
            error: run.error_message().map(str::to_owned),
            seconds: run.execution_time(),
        }
    }
}
