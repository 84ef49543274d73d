//! Messages as AWS sends them, made from the samples in `events/`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a sample of another shape fails every test that uses it"
)]

use serde_json::{Value, json};

const CREATED: &str = include_str!("../../events/s3-raw-created.json");
const RUN_FAILED: &str = include_str!("../../events/glue-run-failed.json");
const TEST_EVENT: &str = include_str!("../../events/s3-test-event.json");

fn sample(text: &str) -> Value {
    serde_json::from_str(text).expect("the samples are JSON")
}

/// S3's notification of objects that were created.
pub fn created(bucket: &str, keys: &[&str]) -> String {
    let mut event = sample(CREATED);
    let record = event["Records"][0].take();
    let of = |key: &&str| {
        let mut record = record.clone();
        record["s3"]["bucket"]["name"] = json!(bucket);
        record["s3"]["object"]["key"] = json!(key.replace('=', "%3D"));
        record
    };
    event["Records"] = keys.iter().map(of).collect();
    event.to_string()
}

/// One notification with the records of several.
pub fn together(notifications: &[String]) -> String {
    let records = notifications.iter().flat_map(|text| match sample(text)["Records"].take() {
        Value::Array(records) => records,
        other => vec![other],
    });
    json!({"Records": records.collect::<Vec<_>>()}).to_string()
}

/// The message that S3 sends when a notification is configured.
pub fn test_event(bucket: &str) -> String {
    let mut event = sample(TEST_EVENT);
    event["Bucket"] = json!(bucket);
    event.to_string()
}

/// EventBridge's event about the end of a Glue run.
pub fn run_ended(job: &str, run_id: &str, state: &str) -> String {
    let mut event = sample(RUN_FAILED);
    event["detail"]["jobName"] = json!(job);
    event["detail"]["jobRunId"] = json!(run_id);
    event["detail"]["state"] = json!(state);
    event.to_string()
}

/// A message in SNS's envelope.
pub fn through_sns(message: &str) -> String {
    let topic = "arn:aws:sns:us-east-1:000000000000:some-topic";
    json!({"Type": "Notification", "MessageId": "1", "TopicArn": topic, "Message": message})
        .to_string()
}

#[cfg(test)]
mod tests {
    use shared::events::S3Message;

    use super::*;

    #[test]
    fn a_notification_names_bucket_and_key() {
        let key = "landing/index=IBOV/date=2026-01-02/x.json";
        let body = created("lake", &[key]);
        for body in [through_sns(&body), body] {
            let S3Message::Created(objects) = S3Message::parse(&body, "lake").unwrap() else {
                panic!("no object in {body}");
            };
            assert_eq!(objects[0].as_ref().unwrap().key, key);
        }
    }
}
