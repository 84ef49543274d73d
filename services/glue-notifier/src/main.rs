//! The Lambda function of glue-notifier.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::stage::serve::<glue_notifier::GlueNotifier>().await
}
