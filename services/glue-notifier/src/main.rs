//! The glue-notifier's Lambda function.

use std::sync::Arc;

use glue_notifier::GlueNotifier;
use lambda_runtime::{Error, service_fn};
use shared::{settings::Environment, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let notifier = Arc::new(GlueNotifier::from_environment(&Environment::of_process()).await?);
    lambda_runtime::run(service_fn(|event| notifier.handle(event))).await
}
