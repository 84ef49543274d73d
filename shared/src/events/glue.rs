//! Glue's job state changes as delivered by EventBridge.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::{Deserialize, Serialize};

use super::{EventError, sns};

const EXPECTED: &str = "a Glue Job State Change";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    Succeeded,
    /// Any other end: `FAILED`, `TIMEOUT`, `STOPPED`, `ERROR`, `EXPIRED`.
    Failed(String),
    /// Not ended: `STARTING`, `RUNNING`, `STOPPING`, `WAITING`.
    Active(String),
}

impl RunState {
    /// From Glue's name of the state. An unknown name counts as active: a known state will follow.
    pub fn from_name(name: &str) -> Self {
        match name {
            "SUCCEEDED" => Self::Succeeded,
            "FAILED" | "TIMEOUT" | "STOPPED" | "ERROR" | "EXPIRED" => Self::Failed(name.to_owned()),
            other => Self::Active(other.to_owned()),
        }
    }

    /// Glue's name of the state.
    pub fn name(&self) -> &str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed(name) | Self::Active(name) => name,
        }
    }
}

/// A state change of a run. The event does not carry the run's arguments, which are read from Glue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlueStateChange {
    pub job_name: String,
    /// `jr_…`.
    pub run_id: String,
    /// The new state.
    pub state: RunState,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    job_name: String,
    job_run_id: String,
    state: String,
}

impl GlueStateChange {
    /// Accepts only job state changes of `aws.glue`.
    pub fn parse(body: &str) -> Result<Self, EventError> {
        let event: EventBridgeEvent<Detail> = serde_json::from_str(&sns::unwrap(body))
            .map_err(|source| EventError::Shape { expected: EXPECTED, source })?;
        if event.source != "aws.glue" || event.detail_type != "Glue Job State Change" {
            let found = format!("{} of {}", event.detail_type, event.source);
            let found = found.chars().take(200).collect();
            return Err(EventError::Unexpected { expected: EXPECTED, found });
        }
        let Detail { job_name, job_run_id, state } = event.detail;
        Ok(Self { job_name, run_id: job_run_id, state: RunState::from_name(&state) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::{Code, StageError as _};

    const FAILED: &str = include_str!("../../../events/glue-run-failed.json");

    #[test]
    fn a_state_change_names_job_run_and_state() {
        let change = GlueStateChange::parse(FAILED).unwrap();
        assert_eq!(change.job_name, "glue_job_refinamento_bovespa");
        assert!(change.run_id.starts_with("jr_"));
        assert_eq!(change.state, RunState::Failed("FAILED".to_owned()));
        let succeeded = include_str!("../../../events/glue-run-succeeded.json");
        assert_eq!(GlueStateChange::parse(succeeded).unwrap().state, RunState::Succeeded);
    }

    #[test]
    fn states_that_are_not_final_are_active() {
        for name in ["STARTING", "RUNNING", "STOPPING", "WAITING", "SOMETHING_NEW"] {
            assert_eq!(RunState::from_name(name), RunState::Active(name.to_owned()));
        }
    }

    #[test]
    fn other_events_are_refused() {
        for body in [
            FAILED.replace("aws.glue", "somebody.else"),
            FAILED.replace("Glue Job State Change", "Glue Crawler State Change"),
            FAILED.replace("jobRunId", "x"),
            String::new(),
            "{}".to_owned(),
        ] {
            assert_eq!(
                GlueStateChange::parse(&body).unwrap_err().failure().code,
                Code::UnknownEvent,
                "{body}"
            );
        }
    }

    #[test]
    fn every_end_of_a_run_is_known() {
        for failed in ["FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"] {
            assert_eq!(RunState::from_name(failed), RunState::Failed(failed.to_owned()));
        }
        assert_eq!(RunState::from_name("SUCCEEDED"), RunState::Succeeded);
        for active in ["STARTING", "RUNNING", "STOPPING", "WAITING", "SOMETHING_NEW"] {
            assert_eq!(RunState::from_name(active), RunState::Active(active.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in "\\PC{0,200}") {
            let _ = GlueStateChange::parse(&body);
        }
    }
}
