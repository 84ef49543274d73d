//! What S3 says about an object, as the storm repeats it.

use serde_json::json;

const CREATED: &str = include_str!("../../../events/s3-landing-created.json");
const ITS_BUCKET: &str = "ibov-lake-000000000000";
const ITS_KEY: &str =
    "landing/index%3DIBOV/date%3D2026-11-20/20261120T130003.123Z-0123456789abcdef.json";

/// The notification about an object that was written.
pub(super) fn of(key: &str, bucket: &str) -> String {
    let encoded = key.replace('=', "%3D");
    CREATED.replace(ITS_BUCKET, bucket).replace(ITS_KEY, &encoded)
}

/// The same, as it comes through a topic.
pub(super) fn wrapped(body: &str) -> String {
    let topic = "arn:aws:sns:us-east-1:000000000000:storm";
    json!({"Type": "Notification", "TopicArn": topic, "Message": body}).to_string()
}

#[cfg(test)]
mod tests {
    use shared::events::S3Message;

    use super::*;

    #[test]
    fn a_notification_names_bucket_and_key() {
        let body = of("landing/index=IBOV/date=2026-01-02/x.json", "storm-lake");
        for body in [wrapped(&body), body] {
            let S3Message::Created(objects) = S3Message::parse(&body, "storm-lake").unwrap() else {
                panic!("no object in {body}");
            };
            assert_eq!(
                objects[0].as_ref().unwrap().key,
                "landing/index=IBOV/date=2026-01-02/x.json"
            );
        }
    }
}
