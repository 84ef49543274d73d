//! Publishes to the topics, and parks the failed dates of a run.

use aws_config::SdkConfig;
use aws_sdk_sns::types::MessageAttributeValue;
use chrono::{DateTime, NaiveDate, Utc};
use refine::{Reporter, Run, Warnings};
use serde_json::json;
use shared::{
    aws::{CallError, Cause},
    events::RefineRequest,
    failpoint,
    failure::{Code, Failure},
    queues::{Message, Parked, Queues as _, SqsQueues},
    settings::{Environment, SettingError},
    values::IndexCode,
};

use crate::{
    notification::{Notification, Topic},
    stack::Stack,
};

#[derive(Clone, Debug)]
pub(crate) struct SnsReporter {
    sns: aws_sdk_sns::Client,
    /// `COMPLETIONS_TOPIC_ARN`.
    completions: String,
    /// `ALERTS_TOPIC_ARN`.
    alerts: String,
    /// `GLUE_DLQ_URL`: the queue where the dates of a failed run wait for a redrive.
    glue_queues: SqsQueues,
    stack: Stack,
}

impl SnsReporter {
    pub(crate) fn from_environment(
        environment: &Environment,
        sdk: &SdkConfig,
    ) -> Result<Self, SettingError> {
        let glue_dlq: String = environment.required("GLUE_DLQ_URL")?;
        Ok(Self {
            sns: aws_sdk_sns::Client::new(sdk),
            completions: environment.required("COMPLETIONS_TOPIC_ARN")?,
            alerts: environment.required("ALERTS_TOPIC_ARN")?,
            glue_queues: SqsQueues::new(sdk, String::new(), glue_dlq),
            stack: Stack {
                name: environment.required("STACK_NAME")?,
                index: environment.required("INDEX")?,
                language: environment.required("MAIL_LANGUAGE")?,
                region: environment.required("AWS_REGION")?,
                job: environment.required("GLUE_JOB_NAME")?,
                glue_dlq_arn: environment.required("GLUE_DLQ_ARN")?,
                glue_queue_arn: environment.required("GLUE_QUEUE_ARN")?,
            },
        })
    }

    /// Notifies people that no portfolio of `day` had landed by `checked_at`.
    pub(crate) async fn missed(
        &self,
        day: NaiveDate,
        checked_at: DateTime<Utc>,
    ) -> Result<(), CallError> {
        self.send(&Notification::missed(&self.stack, day, checked_at)).await
    }

    pub(crate) fn index(&self) -> &IndexCode {
        &self.stack.index
    }

    /// Programs receive the document, mailboxes the text.
    async fn send(&self, notification: &Notification) -> Result<(), CallError> {
        let topic = match notification.topic {
            Topic::Completions => &self.completions,
            Topic::Alerts => &self.alerts,
        };
        let document = notification.document.to_string();
        let message = json!({"default": document, "email": notification.mail.text});
        let severity = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(notification.severity.name())
            .build()
            .map_err(|error| CallError::new("Publish", topic, Cause::Invalid, error))?;
        let request = self
            .sns
            .publish()
            .topic_arn(topic)
            .subject(&notification.mail.subject)
            .message_structure("json")
            .message(message.to_string())
            .message_attributes("severity", severity);
        failpoint::around("publish", request.send())
            .await
            .map_err(|error| CallError::from_sdk("Publish", topic, error))?;
        Ok(())
    }
}

impl Reporter for SnsReporter {
    /// Warnings go first: if only they can be sent they are sent again, and no failure is ever told twice by that.
    async fn publish(
        &self,
        run: &Run,
        parked: &[NaiveDate],
        warnings: &Warnings,
    ) -> Result<(), CallError> {
        if let Some(warning) = Notification::warning(&self.stack, run, warnings) {
            self.send(&warning).await?;
        }
        self.send(&Notification::of(&self.stack, run, parked)).await
    }

    async fn park(&self, request: &RefineRequest, run: &Run, cause: &str) -> Result<(), CallError> {
        let body = serde_json::to_string(request)
            .map_err(|error| CallError::new("SendMessage", &run.id, Cause::Invalid, error))?;
        // As if the glue stage had received the request and failed at it once.
        let message =
            Message { id: run.id.clone(), body, receive_count: 1, receipt_handle: String::new() };
        let failure = Failure::permanent(Code::RunFailed).on(&run.id);
        let error = format!("{}: {cause}", run.state.name());
        let parked = Parked::new("glue", &message, &failure, &error, "");
        failpoint::around("park-dates", self.glue_queues.park(&parked)).await
    }
}
