//! What notifications say about the stack.

use shared::values::IndexCode;

use crate::language::Language;

/// The stack, as described in notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// `STACK_NAME`.
    pub(crate) name: String,
    /// `INDEX`: the one index that this stack serves.
    pub(crate) index: IndexCode,
    /// `MAIL_LANGUAGE`.
    pub(crate) language: Language,
    /// `AWS_REGION`, which Lambda sets.
    pub(crate) region: String,
    /// `GLUE_JOB_NAME`.
    pub(crate) job: String,
    /// `GLUE_DLQ_ARN`: the queue where the dates of a failed run wait.
    pub(crate) glue_dlq_arn: String,
    /// `GLUE_QUEUE_ARN`: the target of a redrive.
    pub(crate) glue_queue_arn: String,
}

impl Stack {
    /// A command of `ibov` on this stack, to be copied as it is.
    pub(crate) fn command(&self, command: &str) -> String {
        let Self { name, region, .. } = self;
        format!("ibov {command} --stack {name} --region {region}")
    }

    /// The redrive of the glue stage for people without `ibov`.
    pub(crate) fn move_task(&self) -> String {
        let Self { region, glue_dlq_arn, glue_queue_arn, .. } = self;
        format!(
            "aws sqs start-message-move-task --region {region} --source-arn {glue_dlq_arn} \
             --destination-arn {glue_queue_arn}"
        )
    }

    /// Where the console shows a run.
    pub(crate) fn link_to(&self, run_id: &str) -> String {
        let Self { region, job, .. } = self;
        format!(
            "https://{region}.console.aws.amazon.com/gluestudio/home?region={region}#/job/{job}/run/{run_id}"
        )
    }
}
