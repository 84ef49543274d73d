//! Messages of the glue queue: notifications of raw files, and requests to refine a date.

use serde_json::Value;

use super::{EventError, RefineRequest, S3Message, sns};

#[derive(Debug)]
pub enum GlueQueueMessage {
    S3(S3Message),
    /// Parked after a failed run, or sent by a person.
    Refine(RefineRequest),
}

impl GlueQueueMessage {
    pub fn parse(body: &str, bucket: &str) -> Result<Self, EventError> {
        let inner = sns::unwrap(body);
        match serde_json::from_str::<Value>(&inner) {
            Ok(value) if value.get("refine").is_some() => serde_json::from_value(value)
                .map(Self::Refine)
                .map_err(|source| EventError::Shape {
                    expected: r#"a refine request such as {"refine":{"date":"2026-11-20"}}"#,
                    source,
                }),
            Ok(_) | Err(_) => S3Message::parse(&inner, bucket).map(Self::S3),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::{Code, StageError as _};

    const BUCKET: &str = "ibov-lake-000000000000";

    #[test]
    fn refine_requests_are_told_from_notifications() {
        let request = include_str!("../../../events/refine-request.json");
        assert!(matches!(
            GlueQueueMessage::parse(request, BUCKET),
            Ok(GlueQueueMessage::Refine(_))
        ));
        let created = include_str!("../../../events/s3-raw-created.json");
        assert!(matches!(
            GlueQueueMessage::parse(created, BUCKET),
            Ok(GlueQueueMessage::S3(S3Message::Created(_)))
        ));
        for bad in ["", "{}", r#"{"refine":1}"#, r#"{"refine":{"date":"x"}}"#] {
            assert_eq!(
                GlueQueueMessage::parse(bad, BUCKET).unwrap_err().failure().code,
                Code::UnknownEvent,
                "{bad}"
            );
        }
    }
    proptest! {
        #[test]
        fn parsing_never_panics(body in "\\PC{0,200}") {
            let _ = GlueQueueMessage::parse(&body, BUCKET);
        }
    }
}
