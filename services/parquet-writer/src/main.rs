//! The parquet-writer's Lambda function.

use std::sync::Arc;

use lambda_runtime::{Error, service_fn};
use parquet_writer::ParquetWriter;
use shared::{settings::Environment, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let writer = Arc::new(ParquetWriter::from_environment(&Environment::of_process()).await?);
    lambda_runtime::run(service_fn(|event| writer.handle(event))).await
}
