//! The two SNS topics.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use serde_json::json;
use shared::aws::CallError;

use crate::{
    error::NotifyError,
    notification::{Notification, Topic},
};

#[derive(Clone, Debug)]
pub(crate) struct Topics {
    client: Client,
    completions: String,
    alerts: String,
}

impl Topics {
    pub(crate) fn new(sdk: &SdkConfig, completions: String, alerts: String) -> Self {
        Self { client: Client::new(sdk), completions, alerts }
    }

    /// Programs get the document, mailboxes the text.
    pub(crate) async fn publish(&self, notification: &Notification) -> Result<(), NotifyError> {
        let topic = match notification.topic {
            Topic::Completions => &self.completions,
            Topic::Alerts => &self.alerts,
        };
        let default = serde_json::to_string(&notification.document)?;
        let message = json!({"default": default, "email": notification.text});
        self.client
            .publish()
            .topic_arn(topic)
            .subject(&notification.subject)
            .message_structure("json")
            .message(message.to_string())
            .send()
            .await
            .map_err(|error| CallError::from_sdk("Publish", topic, &error))?;
        Ok(())
    }
}
