//! The Lambda function of fetcher.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::stage::serve::<fetcher::Fetcher>().await
}
