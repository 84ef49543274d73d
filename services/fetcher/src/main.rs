//! The Lambda function of fetcher.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::stage::serve::<fetcher::Fetcher>().await
}
