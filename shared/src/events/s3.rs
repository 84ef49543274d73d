//! S3 event notifications.

use aws_lambda_events::event::s3::S3EventRecord;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use super::{EventError, sns};

const EXPECTED: &str = "an S3 notification of created objects";

/// A message sent by S3.
#[derive(Debug)]
pub enum S3Message {
    /// Sent once when a notification is configured.
    Test,
    /// One result for each record: a created object, or why the record is refused. A bad record does not affect the
    /// others.
    Created(Vec<Result<CreatedObject, EventError>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedObject {
    /// Decoded. Events encode keys: `date%3D2026-11-20`, and `+` for a space.
    pub key: String,
}

impl S3Message {
    /// # Errors
    /// A body that is neither a test event nor a list of records. A record about anything but an object created in
    /// `bucket` is an error only in its own place of the list.
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
        let Notification { records } = serde_json::from_value(value).map_err(shape)?;
        if records.is_empty() {
            return Err(unexpected("it has no records"));
        }
        let objects = records.into_iter().map(|record| {
            let record = serde_json::from_value(record).map_err(shape)?;
            created_object(&record, bucket)
        });
        Ok(Self::Created(objects.collect()))
    }
}

/// Records are parsed one by one, so that a malformed record does not hide the others.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Value>,
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
    use crate::failure::{Code, StageError as _};

    const BUCKET: &str = "ibov-lake-000000000000";
    const CREATED: &str = include_str!("../../../events/s3-landing-created.json");

    fn keys(body: &str) -> Vec<String> {
        match S3Message::parse(body, BUCKET).unwrap() {
            S3Message::Created(objects) => {
                objects.into_iter().map(|object| object.unwrap().key).collect()
            }
            S3Message::Test => panic!("a test event"),
        }
    }

    /// The code of the first error, of the body or of a record.
    fn refusal(body: &str) -> Code {
        let refused = match S3Message::parse(body, BUCKET) {
            Ok(S3Message::Created(objects)) => objects.into_iter().find_map(Result::err),
            Ok(S3Message::Test) => None,
            Err(error) => Some(error),
        };
        refused.unwrap().failure().code
    }

    fn with_records(records: &[Value]) -> String {
        serde_json::json!({ "Records": records }).to_string()
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
        let event: Value = serde_json::from_str(CREATED).unwrap();
        let record = event["Records"][0].clone();
        assert_eq!(keys(&with_records(&[record.clone(), record])).len(), 2);
    }

    #[test]
    fn a_bad_record_hides_none_of_the_others() {
        let event: Value = serde_json::from_str(CREATED).unwrap();
        let good = &event["Records"][0];
        let changed = |pointer: &str, value: &str| {
            let mut record = good.clone();
            *record.pointer_mut(pointer).unwrap() = value.into();
            record
        };
        for (bad, code) in [
            (changed("/s3/bucket/name", "somebody-elses"), Code::ForeignBucket),
            (changed("/eventName", "ObjectRemoved:Delete"), Code::UnknownEvent),
            (changed("/s3/object/key", "%FF%FE"), Code::UnknownEvent),
            (changed("/eventTime", "yesterday"), Code::UnknownEvent),
            (Value::Null, Code::UnknownEvent),
            (serde_json::json!({}), Code::UnknownEvent),
        ] {
            let body = with_records(&[good.clone(), bad, good.clone()]);
            let Ok(S3Message::Created(objects)) = S3Message::parse(&body, BUCKET) else {
                panic!("{body}");
            };
            let [Ok(first), Err(refused), Ok(last)] = objects.as_slice() else {
                panic!("{objects:?}");
            };
            assert_eq!((first, refused.failure().code), (last, code), "{body}");
        }
    }

    #[test]
    fn the_test_event_is_known() {
        let body = include_str!("../../../events/s3-test-event.json");
        assert!(matches!(S3Message::parse(body, BUCKET), Ok(S3Message::Test)));
    }

    #[test]
    fn the_sns_envelope_is_opened() {
        let body = serde_json::json!({"Type": "Notification", "TopicArn": "a", "Message": CREATED});
        assert_eq!(keys(&body.to_string()), keys(CREATED));
    }

    #[test]
    fn foreign_buckets_and_other_shapes_are_refused() {
        assert_eq!(refusal(&CREATED.replace(BUCKET, "somebody-elses")), Code::ForeignBucket);
        assert_eq!(
            refusal(&CREATED.replace("ObjectCreated:Put", "ObjectRemoved:Delete")),
            Code::UnknownEvent
        );
        assert_eq!(refusal(&CREATED.replace("date%3D", "%FF%FE")), Code::UnknownEvent);
        for body in ["", "{}", "[]", "null", r#"{"Records":[]}"#, r#"{"Records":[{}]}"#, "<html>"] {
            assert_eq!(refusal(body), Code::UnknownEvent, "{body}");
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
