//! Messages of the completion queue: state changes of runs, and the tick.

use serde::Deserialize;

use super::{EventError, GlueStateChange, sns};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionMessage {
    /// `{"tick":true}`: look whether something is due.
    Tick,
    StateChange(GlueStateChange),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tick {
    tick: bool,
}

impl CompletionMessage {
    pub fn parse(body: &str) -> Result<Self, EventError> {
        match serde_json::from_str(&sns::unwrap(body)) {
            Ok(Tick { tick: true }) => Ok(Self::Tick),
            Ok(Tick { tick: false }) | Err(_) => {
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
    fn ticks_are_told_from_state_changes() {
        let tick = include_str!("../../../events/tick.json");
        assert_eq!(CompletionMessage::parse(tick).unwrap(), CompletionMessage::Tick);
        let change = include_str!("../../../events/glue-run-failed.json");
        assert!(matches!(CompletionMessage::parse(change), Ok(CompletionMessage::StateChange(_))));
        for bad in ["{}", r#"{"tick":false}"#, r#"{"tick":true,"x":1}"#, "tick"] {
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
