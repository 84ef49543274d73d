//! Messages of the completion queue: state changes of runs, the tick, and the check of the session.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{EventError, GlueStateChange, sns};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionMessage {
    /// `{"tick":true}`: look whether something is due.
    Tick,
    /// `{"session_check":"2026-11-20T22:00:00Z"}`: look whether that day's portfolio has landed. The time is the one
    /// that the check was scheduled for, so that a message that comes late still asks about its own day.
    SessionCheck(DateTime<Utc>),
    StateChange(GlueStateChange),
}

/// A message of this project's own schedules.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scheduled {
    Tick(Tick),
    SessionCheck(SessionCheck),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tick {
    tick: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionCheck {
    session_check: DateTime<Utc>,
}

impl CompletionMessage {
    pub fn parse(body: &str) -> Result<Self, EventError> {
        match serde_json::from_str(&sns::unwrap(body)) {
            Ok(Scheduled::Tick(Tick { tick: true })) => Ok(Self::Tick),
            Ok(Scheduled::SessionCheck(check)) => Ok(Self::SessionCheck(check.session_check)),
            Ok(Scheduled::Tick(Tick { tick: false })) | Err(_) => {
                GlueStateChange::parse(body).map(Self::StateChange)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::{Code, StageError as _};

    #[test]
    fn ticks_and_checks_are_told_from_state_changes() {
        let tick = include_str!("../../../events/tick.json");
        assert_eq!(CompletionMessage::parse(tick).unwrap(), CompletionMessage::Tick);
        let check = include_str!("../../../events/session-check.json");
        let scheduled_for = "2026-11-20T22:00:00Z".parse().unwrap();
        assert_eq!(
            CompletionMessage::parse(check).unwrap(),
            CompletionMessage::SessionCheck(scheduled_for)
        );
        let change = include_str!("../../../events/glue-run-failed.json");
        assert!(matches!(CompletionMessage::parse(change), Ok(CompletionMessage::StateChange(_))));
        for bad in [
            "{}",
            r#"{"tick":false}"#,
            r#"{"tick":true,"x":1}"#,
            "tick",
            r#"{"session_check":"<aws.scheduler.scheduled-time>"}"#,
            r#"{"session_check":"2026-11-20T22:00:00Z","x":1}"#,
        ] {
            assert_eq!(
                CompletionMessage::parse(bad).unwrap_err().failure().code,
                Code::UnknownEvent,
                "{bad}"
            );
        }
    }
    proptest! {
        #[test]
        fn parsing_never_panics(body in "\\PC{0,200}") {
            let _ = CompletionMessage::parse(&body);
        }
    }
}
