//! The Lambda function of glue-notifier.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::stage::serve::<glue_notifier::GlueNotifier>().await
}
