//! The glue-trigger's Lambda function.

use std::sync::Arc;

use glue_trigger::GlueTrigger;
use lambda_runtime::{Error, service_fn};
use shared::{settings::Environment, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let trigger = Arc::new(GlueTrigger::from_environment(&Environment::of_process()).await?);
    lambda_runtime::run(service_fn(|event| trigger.handle(event))).await
}
