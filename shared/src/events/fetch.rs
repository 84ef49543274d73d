//! The request to fetch, sent by the schedules and by people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EventError, sns};
use crate::values::{IndexCode, Segment};

/// `{"index":"IBOV","segment":"2"}`. A missing field means the stack's own value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
}

impl FetchRequest {
    pub fn parse(body: &str) -> Result<Self, EventError> {
        // A map first: serde accepts an empty array as a struct without required fields.
        serde_json::from_str::<Map<String, Value>>(&sns::unwrap(body))
            .and_then(|fields| serde_json::from_value(Value::Object(fields)))
            .map_err(|source| EventError::Shape {
                expected: r#"a fetch request such as {"index":"IBOV","segment":"2"}"#,
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::{Code, StageError as _};

    #[test]
    fn both_fields_are_optional() {
        assert_eq!(FetchRequest::parse("{}").unwrap(), FetchRequest::default());
        let body = include_str!("../../../events/fetch-request.json");
        let request = FetchRequest::parse(body).unwrap();
        assert_eq!(request.index.unwrap().as_str(), "IBOV");
        assert_eq!(request.segment, Some(Segment::BySector));
    }

    #[test]
    fn anything_else_is_refused() {
        for body in [
            "",
            "[]",
            "null",
            "IBOV",
            r#"{"index":"../x"}"#,
            r#"{"segment":2}"#,
            r#"{"Index":"IBOV"}"#,
        ] {
            assert_eq!(
                FetchRequest::parse(body).unwrap_err().failure().code,
                Code::UnknownEvent,
                "{body}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in "\\PC{0,200}") {
            let _ = FetchRequest::parse(&body);
        }
    }
}
