//! The Glue job.

use std::collections::BTreeSet;

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_glue::Client;
use chrono::NaiveDate;
use shared::aws::CallError;

#[derive(Clone, Debug)]
pub(crate) struct Job {
    client: Client,
    name: String,
}

/// Dates as the job's `--dates` takes them.
pub(crate) fn list(dates: &BTreeSet<NaiveDate>) -> String {
    dates.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

impl Job {
    /// The SDK does not retry: StartJobRun has no client token, so asking again after a lost answer could
    /// start a second run.
    pub(crate) fn new(sdk: &SdkConfig, name: String) -> Self {
        let config =
            aws_sdk_glue::config::Builder::from(sdk).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), name }
    }

    /// Starts a run and gives its id.
    pub(crate) async fn start(
        &self,
        dates: &BTreeSet<NaiveDate>,
        claim_id: &str,
    ) -> Result<String, CallError> {
        let answer = self
            .client
            .start_job_run()
            .job_name(&self.name)
            .arguments("--dates", list(dates))
            .arguments("--claim_id", claim_id)
            .send()
            .await
            .map_err(|error| CallError::from_sdk("StartJobRun", &self.name, &error))?;
        Ok(answer.job_run_id().unwrap_or_default().to_owned())
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
}
