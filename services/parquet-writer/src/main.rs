//! The Lambda function of parquet-writer.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::stage::serve::<parquet_writer::ParquetWriter>().await
}
