//! The fetcher's Lambda function.

use std::sync::Arc;

use fetcher::Fetcher;
use lambda_runtime::{Error, service_fn};
use shared::{settings::Environment, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let fetcher = Arc::new(Fetcher::from_environment(&Environment::of_process()).await?);
    lambda_runtime::run(service_fn(|event| fetcher.handle(event))).await
}
