//! The last Glue runs.

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{JobRun, JobRunState};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{aws::explain, stack::Stack};

const LAST: i32 = 5;

/// A Glue run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    pub id: String,
    /// Glue's word for it.
    pub state: String,
    pub is_active: bool,
    pub started_at: Option<DateTime<Utc>>,
    pub seconds: i32,
    /// How it was told which: dates with commas between them.
    pub dates: String,
    pub error: Option<String>,
}

impl RunSummary {
    fn new(run: &JobRun) -> Self {
        let state = run.job_run_state();
        let dates = run.arguments().and_then(|all| all.get("--dates"));
        Self {
            id: run.id().unwrap_or_default().to_owned(),
            state: state.map_or("UNKNOWN", JobRunState::as_str).to_owned(),
            is_active: state.is_some_and(|state| {
                matches!(
                    state,
                    JobRunState::Starting
                        | JobRunState::Running
                        | JobRunState::Stopping
                        | JobRunState::Waiting
                )
            }),
            started_at: run
                .started_on()
                .and_then(|time| DateTime::from_timestamp_millis(time.to_millis().ok()?)),
            seconds: run.execution_time(),
            dates: dates.cloned().unwrap_or_default(),
            error: run.error_message().map(str::to_owned),
        }
    }
}

/// The newest first.
pub(super) async fn read(stack: &Stack) -> Result<Vec<RunSummary>> {
    let request = stack.clients.glue.get_job_runs().job_name(stack.output("GlueJobName")?);
    let answer = request.max_results(LAST).send().await.map_err(explain);
    let answer = answer.context("cannot list the Glue runs")?;
    let mut runs: Vec<_> = answer.job_runs().iter().map(RunSummary::new).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.started_at));
    Ok(runs)
}
