//! Runs the built `ibov` program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use harness::{
    checkout::{Workspace, cargo},
    processes::Processes,
    progress::Progress,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    sync::{OnceCell, SemaphorePermit},
};

use crate::local;

/// How long its child processes may outlive it.
const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// The built program. Cargo runs once per process.
static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

/// The result of an `ibov` that has ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Standard output, which has to be exactly one JSON document.
    pub fn document(&self) -> Result<Value> {
        let stdout = &self.stdout;
        serde_json::from_str(stdout).with_context(|| {
            format!("standard output is not one JSON document: {stdout:?}\n{}", self.stderr)
        })
    }
}

/// An `ibov` that is running.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pid: u32,
    errors: BufReader<tokio::process::ChildStderr>,
    stderr: String,
    _turn: SemaphorePermit<'static>,
}

/// Builds the program if necessary, and returns its path.
pub async fn program() -> Result<&'static Path> {
    Ok(PROGRAM.get_or_try_init(build).await?)
}

pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Running> {
    let mut command = Command::new(program().await?);
    command.args(arguments);
    // The tests must not depend on how the person who runs them is signed in to AWS, or on that person's language.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
    }
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let turn = local::turn().await?;
    let mut child = command.spawn().context("cannot start ibov")?;
    let errors = BufReader::new(child.stderr.take().context("no standard error")?);
    let pid = child.id().context("it ended as it started")?;
    Ok(Running { child, pid, errors, stderr: String::new(), _turn: turn })
}

/// Starts `ibov` and waits for its end.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    start(arguments, environment).await?.end().await
}

/// As [`run`], with Glue runs that leave the same rows in a moment, without Spark.
pub async fn run_without_spark(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    start_without_spark(arguments, environment).await?.end().await
}

/// As [`start`], with such Glue runs.
pub async fn start_without_spark(
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Running> {
    let runner = local::in_workspace("tests/fast_glue_runner.py")?;
    let runner = runner.to_str().context("a path that is not UTF-8")?;
    start(arguments, &[environment, &[("IBOV_GLUE_RUNNER", runner)]].concat()).await
}

impl Running {
    /// Reads standard error up to a line with `words`.
    pub async fn until_it_says(&mut self, words: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            if self.errors.read_line(&mut line).await? == 0 {
                bail!("it ended without saying {words:?}:\n{}", self.stderr);
            }
            self.stderr.push_str(&line);
            if line.contains(words) {
                return Ok(());
            }
        }
    }

    /// Sends a signal, by name.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args(["-s", name, &self.pid.to_string()]).status().await?;
        ensure!(sent.success(), "cannot send {name} to ibov");
        Ok(())
    }

    /// The folder of its run, whose name holds the process id.
    pub fn folder(&self) -> Result<PathBuf> {
        let mark = format!("-{}-", self.pid);
        let runs = fs::read_dir(Workspace::locate()?.private("runs"))?;
        let mut folders = runs.flatten().map(|entry| entry.path());
        let folder = folders.find(|folder| folder.to_string_lossy().contains(&mark));
        folder.with_context(|| format!("process {} has no folder", self.pid))
    }

    /// Waits for its end, and fails if one of its child processes stays behind.
    pub async fn end(mut self) -> Result<Ended> {
        let mut stdout = String::new();
        let mut output = self.child.stdout.take().context("no standard output")?;
        futures::try_join!(
            output.read_to_string(&mut stdout),
            self.errors.read_to_string(&mut self.stderr)
        )?;
        let status = self.child.wait().await?;
        nothing_is_left(self.pid).await?;
        Ok(Ended { code: status.code(), stdout, stderr: self.stderr })
    }
}

/// Every process of a run has the run's folder in its command line, and the folder's name holds the process id.
async fn nothing_is_left(pid: u32) -> Result<()> {
    let deadline = Instant::now() + GRACE;
    loop {
        let left = processes_of(pid)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "left running after ibov ended:\n{}", left.join("\n"));
        tokio::time::sleep(POLL).await;
    }
}

/// Command lines of the processes that belong to the run of one `ibov`.
pub fn processes_of(pid: u32) -> Result<Vec<String>> {
    let runs = Workspace::locate()?.private("runs").to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")?.flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&runs) && line.contains(&format!("-{pid}-")) {
            found.push(line);
        }
    }
    Ok(found)
}

async fn build() -> Result<PathBuf> {
    let (workspace, processes) = (Workspace::locate()?, Processes::default());
    let step = Progress::stderr().step("build", "build ibov");
    let mut built = cargo::build("ibov", &["ibov"], &workspace, &processes, &step).await?;
    step.done("built");
    built.remove("ibov").context("cargo named no ibov")
}
