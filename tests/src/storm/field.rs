//! The stack under a storm, and the actions of the storm on it.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use harness::{
    aws::explain,
    emulator::EmulatorOptions,
    local_runtime::LocalRuntime,
    stack::{Stage, dead_letters},
};
use tokio::sync::OnceCell;

use super::action::Action;
use crate::{local, pipeline::Pipeline};

/// It ends with this process, as the shared emulator does.
static EMULATOR: OnceCell<LocalRuntime> = OnceCell::const_new();

const STACK: &str = "storm";
const RUNNER: &str = "tests/fast_glue_runner.py";
/// The visibility timeout is hardly longer than the function's, so that a killed function's messages come again soon.
const PARAMETERS: [(&str, &str); 4] = [
    ("FunctionTimeout", "12"),
    ("VisibilityTimeout", "19"),
    ("BackoffBase", "2"),
    // More than the kills that any one message can meet.
    ("MaxReceiveCount", "10"),
];

#[derive(Debug)]
pub(super) struct Field {
    pipeline: Pipeline,
}

impl Deref for Field {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl Field {
    pub(super) async fn deploy() -> Result<Self> {
        let runtime = EMULATOR.get_or_try_init(start_emulator).await?;
        let pipeline = Pipeline::deploy_on(runtime, STACK, |config| {
            PARAMETERS.iter().fold(config, |config, (name, value)| config.with(name, value))
        });
        Ok(Self { pipeline: pipeline.await? })
    }

    /// Carries out one action of the storm.
    pub(super) async fn make(&self, action: &Action) -> Result<()> {
        match action {
            Action::Put { key, body } => self.put(key, body).await,
            Action::Send { stage, body, delay_seconds } => {
                self.send(*stage, body, *delay_seconds).await
            }
            Action::Kill { stage, failpoint } => touch(&self.failpoints(*stage).join(failpoint)),
            Action::FailRun => touch(&self.run_script(&format!("fail-{}", fastrand::u64(..)))),
            Action::Redrive => dead_letters::redrive(&self.stack, Stage::Glue).await.map(drop),
            Action::Tick => self.tick().await,
        }
    }

    async fn put(&self, key: &str, body: &[u8]) -> Result<()> {
        let request = self.stack.clients.s3.put_object().bucket(self.stack.bucket()?).key(key);
        let written = request.body(body.to_vec().into()).send().await;
        written.map_err(explain).with_context(|| format!("cannot write {key}"))?;
        Ok(())
    }

    async fn send(&self, stage: Stage, body: &str, delay_seconds: i32) -> Result<()> {
        let request = self.stack.clients.sqs.send_message();
        let request = request.queue_url(self.stack.queue_url(stage)?).message_body(body);
        let sent = request.delay_seconds(delay_seconds).send().await;
        sent.map_err(explain).with_context(|| format!("cannot send to {stage}"))?;
        Ok(())
    }

    /// Sends the schedule's tick.
    pub(super) async fn tick(&self) -> Result<()> {
        self.stack.send(Stage::Completion, r#"{"tick":true}"#).await?;
        Ok(())
    }

    /// From now on every Glue run waits at its start.
    pub(super) fn hold_runs(&self) -> Result<()> {
        touch(&self.run_script("hold"))
    }

    /// Ends [`Field::hold_runs`].
    pub(super) fn release_runs(&self) -> Result<()> {
        Ok(fs::remove_file(self.run_script("hold"))?)
    }

    /// From now on a real Spark carries the runs out.
    pub(super) fn use_spark(&self) -> Result<()> {
        touch(&self.run_script("use-spark"))
    }

    fn run_script(&self, name: &str) -> PathBuf {
        self.logs().folder().join("glue-control").join(STACK).join(name)
    }

    fn failpoints(&self, stage: Stage) -> PathBuf {
        self.logs().folder().join("failpoints").join(self.stack.function_name(stage))
    }

    /// Disarms all kills and scripted failures that are left.
    pub(super) fn calm(&self) -> Result<()> {
        let runs = self.run_script("");
        for folder in Stage::ALL.map(|stage| self.failpoints(stage)).into_iter().chain([runs]) {
            for file in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if ["before-", "after-", "fail-"].iter().any(|begins| name.starts_with(begins)) {
                    // A function or run may take the file first.
                    let _taken = fs::remove_file(file.path());
                }
            }
        }
        Ok(())
    }

    /// The failpoints that killed a stage's function, in order.
    pub(super) fn kills(&self, stage: Stage) -> Vec<String> {
        let hits = fs::read_to_string(self.failpoints(stage).join("hits")).unwrap_or_default();
        hits.lines().map(str::to_owned).collect()
    }

    /// The number of messages in all queues, in flight included.
    pub(super) async fn backlog(&self) -> Result<usize> {
        let mut backlog = 0;
        for stage in Stage::ALL {
            backlog += self.stack.waiting(stage).await?;
        }
        Ok(backlog)
    }
}

async fn start_emulator() -> Result<LocalRuntime> {
    let runner = local::in_workspace(RUNNER)?;
    local::start_emulator(EmulatorOptions::default().with_glue_runner(runner)).await
}

fn touch(file: &Path) -> Result<()> {
    let folder = file.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(file, "").with_context(|| format!("cannot write {}", file.display()))
}
