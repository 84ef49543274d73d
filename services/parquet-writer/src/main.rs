//! The Lambda function of parquet-writer.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::stage::serve::<parquet_writer::ParquetWriter>().await
}
