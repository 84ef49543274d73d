//! The request to refine a date, parked for each date of a failed run or sent by a person.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// `{"refine":{"date":"2026-11-20"},"retry_of":"jr_…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct RefineRequest {
    pub date: NaiveDate,
    /// Refine the date even if it is refined already.
    pub force: bool,
    /// The run that failed.
    pub retry_of: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    refine: Target,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    date: NaiveDate,
    #[serde(default, skip_serializing_if = "is_false")]
    force: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl From<Wire> for RefineRequest {
    fn from(wire: Wire) -> Self {
        let Target { date, force } = wire.refine;
        Self { date, force, retry_of: wire.retry_of }
    }
}

impl From<RefineRequest> for Wire {
    fn from(request: RefineRequest) -> Self {
        let RefineRequest { date, force, retry_of } = request;
        Self { refine: Target { date, force }, retry_of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_printing() {
        let text = include_str!("../../../events/refine-request.json");
        let request: RefineRequest = serde_json::from_str(text).unwrap();
        assert_eq!(request.date.to_string(), "2026-11-20");
        assert!(!request.force && request.retry_of.is_some());
        let printed = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<RefineRequest>(&printed).unwrap(), request);
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), value);
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in [
            "{}",
            r#"{"refine":{}}"#,
            r#"{"refine":{"date":"20/11/26"}}"#,
            r#"{"refine":{"date":"2026-11-20","landing_key":"x"}}"#,
            r#"{"refine":{"date":"2026-11-20"},"delete":true}"#,
        ] {
            assert!(serde_json::from_str::<RefineRequest>(bad).is_err(), "{bad}");
        }
    }
}
