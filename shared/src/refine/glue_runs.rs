//! The runs of a Glue job.

use std::collections::BTreeSet;

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_glue::{Client, types::JobRun};
use chrono::NaiveDate;

use super::{
    control::{Run, RunState, Runs},
    lock::ClaimId,
};
use crate::{
    aws::{CallError, Cause},
    failpoint,
    stage::readable,
};

/// A Glue job.
#[derive(Clone, Debug)]
pub struct GlueRuns {
    client: Client,
    job_name: String,
}

impl GlueRuns {
    /// The job of that name.
    #[must_use]
    pub fn new(sdk: &SdkConfig, job_name: String) -> Self {
        Self { client: Client::new(sdk), job_name }
    }

    /// The job's name.
    #[must_use]
    pub fn job_name(&self) -> &str {
        &self.job_name
    }

    fn failed<E>(
        &self,
        operation: &'static str,
        error: &aws_sdk_glue::error::SdkError<E>,
    ) -> CallError
    where
        E: aws_sdk_glue::error::ProvideErrorMetadata + std::error::Error + 'static,
    {
        CallError::from_sdk(operation, &format!("Glue job {}", self.job_name), error)
    }
}

impl Runs for GlueRuns {
    /// The SDK does not retry: StartJobRun has no client token, so asking again after a lost answer could
    /// start a second run.
    async fn start(
        &self,
        claim_id: &ClaimId,
        dates: &BTreeSet<NaiveDate>,
    ) -> Result<String, CallError> {
        let once = aws_sdk_glue::config::Builder::new().retry_config(RetryConfig::disabled());
        let request = self
            .client
            .start_job_run()
            .job_name(&self.job_name)
            .arguments("--dates", list(dates))
            .arguments("--claim_id", claim_id.as_str())
            .customize()
            .config_override(once);
        let answer = failpoint::around("start-run", request.send())
            .await
            .map_err(|error| self.failed("StartJobRun", &error))?;
        let object = format!("Glue job {}", self.job_name);
        let absent = || CallError::incomplete("StartJobRun", &object, "run id");
        answer.job_run_id().map(str::to_owned).ok_or_else(absent)
    }

    async fn get(&self, run_id: &str) -> Result<Option<Run>, CallError> {
        let request = self.client.get_job_run().job_name(&self.job_name).run_id(run_id);
        match request.send().await {
            Ok(answer) => Ok(answer.job_run().map(|run| Run::from_glue(run_id, run))),
            Err(error) => {
                let error = self.failed("GetJobRun", &error);
                match error.cause {
                    Cause::NotFound => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// Glue lists the newest first; a claim is minutes old at most, and the job runs one at a time.
    async fn find(&self, claim_id: &ClaimId) -> Result<Option<Run>, CallError> {
        const NEWEST: i32 = 50;
        let request = self.client.get_job_runs().job_name(&self.job_name).max_results(NEWEST);
        let answer = request.send().await.map_err(|error| self.failed("GetJobRuns", &error))?;
        let mut runs =
            answer.job_runs().iter().filter_map(|run| Some(Run::from_glue(run.id()?, run)));
        Ok(runs.find(|run| run.claim_id.as_ref() == Some(claim_id)))
    }
}

/// Dates as the job's `--dates` takes them.
fn list(dates: &BTreeSet<NaiveDate>) -> String {
    dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl Run {
    fn from_glue(run_id: &str, run: &JobRun) -> Self {
        let argument =
            |name: &str| run.arguments().and_then(|all| all.get(name)).map(String::as_str);
        let state = run.job_run_state().map_or("UNKNOWN", |state| state.as_str());
        Self {
            id: run_id.to_owned(),
            state: RunState::from_name(state),
            dates: argument("--dates").unwrap_or_default().to_owned(),
            claim_id: argument("--claim_id").and_then(ClaimId::recognise),
            error: run.error_message().map(readable),
            seconds: run.execution_time(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_listed_in_order() {
        let dates = ["2026-11-23", "2026-11-20"].map(|date| date.parse().unwrap());
        assert_eq!(list(&dates.into_iter().collect()), "2026-11-20,2026-11-23");
    }

    #[test]
    fn arguments_of_a_run_are_read_back() {
        let run = JobRun::builder()
            .job_run_state(aws_sdk_glue::types::JobRunState::Failed)
            .arguments("--dates", "2026-11-20")
            .arguments("--claim_id", ClaimId::new("1").as_str())
            .error_message("raw file is missing")
            .execution_time(61)
            .build();
        let run = Run::from_glue("jr_1", &run);
        assert_eq!(run.claim_id, Some(ClaimId::new("1")));
        assert_eq!(run.state, RunState::Failed("FAILED".to_owned()));
        assert_eq!((run.dates.as_str(), run.seconds), ("2026-11-20", 61));
        let by_hand = JobRun::builder().arguments("--claim_id", "by-hand").build();
        assert_eq!(Run::from_glue("jr_2", &by_hand).claim_id, None);
    }
}
