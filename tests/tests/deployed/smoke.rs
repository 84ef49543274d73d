//! The smoke test that a deployment ends with.

use std::process::Stdio;

use anyhow::{Context as _, Result};
use e2e::{local, pipeline::Pipeline, python};
use tokio::process::Command;

/// Runs `infra/smoke.py` as the workflow does, and returns what it prints.
///
/// # Errors
/// When it fails. The message holds its output.
pub(crate) async fn smoke_test(pipeline: &Pipeline) -> Result<String> {
    let mut command = Command::new(python::interpreter().await?);
    command
        .arg(local::in_workspace("infra/smoke.py")?)
        .args(["--stack", &pipeline.stack.name, "--poll", "0.2", "--timeout", "60"])
        .env_clear()
        .envs([
            ("AWS_ENDPOINT_URL", pipeline.endpoint()),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.context("cannot start the smoke test")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
