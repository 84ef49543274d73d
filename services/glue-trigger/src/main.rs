//! The Lambda function of glue-trigger.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::stage::serve::<glue_trigger::GlueTrigger>().await
}
