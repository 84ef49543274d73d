//! The Lambda function of glue-trigger.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::stage::serve::<glue_trigger::GlueTrigger>().await
}
