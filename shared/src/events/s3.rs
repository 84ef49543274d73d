//! S3 event notifications.

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{EventError, sns};

const EXPECTED: &str = "an S3 notification of created objects";

/// What S3 sends to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3Message {
    /// Sent once when a notification is configured.
    Test,
    /// One or more objects were written.
    Created(Vec<CreatedObject>),
}

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedObject {
    /// Decoded: events carry `date%3D2026-11-20` and `+` for a space.
    pub key: String,
}

impl S3Message {
    /// Reads the body of a message on a queue that S3 writes to.
    ///
    /// # Errors
    /// Anything that is neither a test event nor made of `ObjectCreated` records of `bucket`.
    pub fn parse(body: &str, bucket: &str) -> Result<Self, EventError> {
        let body = sns::unwrap(body);
        let shape = |source| EventError::Shape { expected: EXPECTED, source };
        let value: Value = serde_json::from_str(&body).map_err(shape)?;
        if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return match value.get("Bucket").and_then(Value::as_str) {
                Some(name) if name != bucket => Err(foreign(bucket, name)),
                _ => Ok(Self::Test),
            };
        }
        let event: S3Event = serde_json::from_value(value).map_err(shape)?;
        if event.records.is_empty() {
            return Err(unexpected("it has no records"));
        }
        event
            .records
            .iter()
            .map(|record| created_object(record, bucket))
            .collect::<Result<_, _>>()
            .map(Self::Created)
    }
}

fn created_object(record: &S3EventRecord, bucket: &str) -> Result<CreatedObject, EventError> {
    match record.s3.bucket.name.as_deref() {
        Some(name) if name == bucket => {}
        Some(name) => return Err(foreign(bucket, name)),
        None => return Err(unexpected("a record names no bucket")),
    }
    match record.event_name.as_deref() {
        Some(name) if name.starts_with("ObjectCreated:") => {}
        Some(name) => return Err(unexpected(&format!("a record is about {name:?}"))),
        None => return Err(unexpected("a record names no event")),
    }
    let key = record.s3.object.key.as_deref().ok_or_else(|| unexpected("a record has no key"))?;
    let spaces = key.replace('+', " ");
    let key = percent_decode_str(&spaces)
        .decode_utf8()
        .map_err(|_| unexpected("a key is not UTF-8"))?
        .into_owned();
    Ok(CreatedObject { key })
}

fn unexpected(found: &str) -> EventError {
    EventError::Unexpected { expected: EXPECTED, found: found.chars().take(200).collect() }
}

fn foreign(expected: &str, found: &str) -> EventError {
    EventError::ForeignBucket {
        expected: expected.to_owned(),
        found: found.chars().take(100).collect(),
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    const BUCKET: &str = "ibov-lake-000000000000";
    const CREATED: &str = include_str!("../../../events/s3-landing-created.json");

    fn keys(body: &str) -> Vec<String> {
        match S3Message::parse(body, BUCKET).unwrap() {
            S3Message::Created(objects) => objects.into_iter().map(|object| object.key).collect(),
            S3Message::Test => panic!("a test event"),
        }
    }

    #[test]
    fn keys_are_decoded() {
        assert_eq!(
            keys(CREATED),
            ["landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json"]
        );
        let spaced = CREATED.replace("landing/index%3DIBOV", "landing/a+b%2Bc%C3%A9");
        assert!(keys(&spaced)[0].starts_with("landing/a b+cé/"));
    }

    #[test]
    fn several_records_in_one_body_are_all_read() {
        let mut event: Value = serde_json::from_str(CREATED).unwrap();
        let record = event["Records"][0].clone();
        event["Records"].as_array_mut().unwrap().push(record);
        assert_eq!(keys(&event.to_string()).len(), 2);
    }

    #[test]
    fn the_test_event_is_known() {
        let body = include_str!("../../../events/s3-test-event.json");
        assert_eq!(S3Message::parse(body, BUCKET).unwrap(), S3Message::Test);
    }

    #[test]
    fn the_sns_envelope_is_opened() {
        let body = serde_json::json!({"Type": "Notification", "TopicArn": "a", "Message": CREATED});
        assert_eq!(keys(&body.to_string()), keys(CREATED));
    }

    #[test]
    fn foreign_buckets_and_other_shapes_are_refused() {
        let code = |body: &str| S3Message::parse(body, BUCKET).unwrap_err().code();
        assert_eq!(code(&CREATED.replace(BUCKET, "somebody-elses")), "foreign-bucket");
        assert_eq!(
            code(&CREATED.replace("ObjectCreated:Put", "ObjectRemoved:Delete")),
            "unknown-event"
        );
        assert_eq!(code(&CREATED.replace("date%3D", "%FF%FE")), "unknown-event");
        for body in ["", "{}", "[]", "null", r#"{"Records":[]}"#, r#"{"Records":[{}]}"#, "<html>"] {
            assert_eq!(code(body), "unknown-event", "{body}");
        }
    }

    proptest! {
        #[test]
        fn keys_survive_the_encoding_of_events(key in "[ -~À-ÿ]{1,60}") {
            let encoded = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
            let body = CREATED.replace(
                "landing/index%3DIBOV/date%3D2026-11-20/20261120T130003.123Z-0123456789abcdef.json",
                &encoded,
            );
            prop_assert_eq!(keys(&body), [key]);
        }

        #[test]
        fn parsing_never_panics(body in "\\PC{0,200}") {
            let _ = S3Message::parse(&body, BUCKET);
        }
    }
}
