//! The lake's bucket and the Glue job.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_glue::{Client, operation::start_job_run::StartJobRunError, types::JobRun};
use chrono::{DateTime, NaiveDate, Utc};
use shared::{
    aws::{CallError, ETag, S3Bucket},
    events::RunState,
    failure::readable,
    keys::FileName,
    settings::{Environment, SettingError},
};
use tokio::time::{Instant, sleep};

use crate::{run::Run, state::State};

#[derive(Clone, Debug)]
pub struct AwsState {
    /// `S3_BUCKET`.
    pub bucket: S3Bucket,
    /// `FILENAME`: the name of raw files.
    pub file_name: FileName,
    /// `GLUE_JOB_NAME`.
    pub job_name: String,
    glue: Client,
    /// No waiting beyond this time, or none at all.
    deadline: Option<Instant>,
}

impl AwsState {
    pub fn from_environment(
        environment: &Environment,
        sdk: &SdkConfig,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            bucket: S3Bucket::new(sdk, environment.required("S3_BUCKET")?),
            file_name: environment.required("FILENAME")?,
            job_name: environment.required("GLUE_JOB_NAME")?,
            glue: Client::new(sdk),
            deadline: None,
        })
    }

    /// The same for work that must end by `deadline`.
    pub fn until(&self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    fn job(&self) -> String {
        format!("Glue job {}", self.job_name)
    }
}

impl State for AwsState {
    type Bucket = S3Bucket;

    fn bucket(&self) -> &S3Bucket {
        &self.bucket
    }

    fn file_name(&self) -> &FileName {
        &self.file_name
    }

    /// One page: more runs cannot have ended between two ticks.
    async fn runs(&self) -> Result<Vec<Run>, CallError> {
        const NEWEST: i32 = 200;
        let request = self.glue.get_job_runs().job_name(&self.job_name).max_results(NEWEST);
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| CallError::from_sdk("GetJobRuns", &self.job(), error))?;
        let mut runs: Vec<_> = answer.job_runs().iter().filter_map(Run::from_glue).collect();
        runs.sort_by_key(|run| Reverse(run.started_at));
        Ok(runs)
    }

    /// Without retries by the SDK: StartJobRun has no client token, so a retry after a lost answer could start a second
    /// run.
    async fn start(&self, due: &BTreeMap<NaiveDate, ETag>) -> Result<Option<String>, CallError> {
        let once = aws_sdk_glue::config::Builder::new().retry_config(RetryConfig::disabled());
        let request = self.glue.start_job_run().job_name(&self.job_name);
        let request = request.arguments("--dates", listed(due.keys()));
        let request = request.arguments("--etags", listed(due.values()));
        let answer = request.customize().config_override(once).send().await;
        let busy = StartJobRunError::is_concurrent_runs_exceeded_exception;
        match answer {
            Ok(answer) => {
                let absent = || CallError::incomplete("StartJobRun", &self.job(), "run id");
                answer.job_run_id().map(|id| Some(id.to_owned())).ok_or_else(absent)
            }
            Err(error) if error.as_service_error().is_some_and(busy) => Ok(None),
            Err(error) => Err(CallError::from_sdk("StartJobRun", &self.job(), error)),
        }
    }

    async fn pause(&self) -> bool {
        const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
        // The next look and start almost always take at most twice as long as the pause.
        let until = Instant::now() + 3 * BETWEEN_LOOKS;
        let time_is_left = self.deadline.is_some_and(|deadline| until < deadline);
        if time_is_left {
            tracing::info!("Glue is not ready yet, looking again");
            sleep(BETWEEN_LOOKS).await;
        }
        time_is_left
    }
}

fn listed(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}

impl Run {
    /// `None` without a run id.
    pub(super) fn from_glue(run: &JobRun) -> Option<Self> {
        let argument = |name: &str| run.arguments().and_then(|all| all.get(name)).cloned();
        Some(Self {
            id: run.id()?.to_owned(),
            state: RunState::from_name(run.job_run_state().map_or("UNKNOWN", |name| name.as_str())),
            dates: argument("--dates").unwrap_or_default(),
            etags: argument("--etags").unwrap_or_default(),
            started_at: run.started_on().and_then(time).unwrap_or_default(),
            ended_at: run.completed_on().and_then(time),
            error: run.error_message().map(readable),
            seconds: run.execution_time(),
        })
    }
}

fn time(time: &aws_smithy_types::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(time.to_millis().ok()?)
}
