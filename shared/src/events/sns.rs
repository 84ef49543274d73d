//! The envelope that SNS puts around a message unless raw message delivery is enabled.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "TopicArn")]
    _topic_arn: String,
    #[serde(rename = "Message")]
    message: String,
}

/// The message inside the envelope, or the body itself where there is none.
pub(super) fn unwrap(body: &str) -> Cow<'_, str> {
    match serde_json::from_str::<Envelope>(body) {
        Ok(envelope) if envelope.kind == "Notification" => Cow::Owned(envelope.message),
        _ => Cow::Borrowed(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_notifications_are_unwrapped() {
        let wrapped = r#"{"Type":"Notification","TopicArn":"arn","Message":"{\"a\":1}"}"#;
        assert_eq!(unwrap(wrapped), r#"{"a":1}"#);
        for other in [
            r#"{"a":1}"#,
            "x",
            "",
            r#"{"Type":"SubscriptionConfirmation","TopicArn":"a","Message":"m"}"#,
        ] {
            assert_eq!(unwrap(other), other);
        }
    }
}
