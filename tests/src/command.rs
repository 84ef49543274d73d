//! The `ibov` program, started as people start it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use harness::checkout::Workspace;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    sync::OnceCell,
};

/// How long what it started may take to be gone once it has ended.
const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// The built program; Cargo is asked once.
static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

impl Ended {
    /// The one document on standard output.
    pub fn document(&self) -> Result<Value> {
        let stdout = &self.stdout;
        serde_json::from_str(stdout).with_context(|| {
            format!("standard output is not one JSON document: {stdout:?}\n{}", self.stderr)
        })
    }
}

/// A program that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pid: u32,
    errors: BufReader<tokio::process::ChildStderr>,
    stderr: String,
}

/// Where it lies, built.
pub async fn program() -> Result<&'static Path> {
    Ok(PROGRAM.get_or_try_init(build).await?)
}

/// Starts it.
pub async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Running> {
    let mut command = Command::new(program().await?);
    command.args(arguments);
    // Whoever runs the tests may be signed in to AWS, which is not to make a difference.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
    }
    command.envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start ibov")?;
    let errors = BufReader::new(child.stderr.take().context("no standard error")?);
    let pid = child.id().context("it ended as it started")?;
    Ok(Running { child, pid, errors, stderr: String::new() })
}

/// Starts it and waits for its end.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    start(arguments, environment).await?.end().await
}

impl Running {
    /// Reads on until standard error holds a line with `words`.
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

    /// Sends it a signal, by name.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").args(["-s", name, &self.pid.to_string()]).status().await?;
        ensure!(sent.success(), "cannot send {name} to ibov");
        Ok(())
    }

    /// Waits for its end, and for that of everything that it started.
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

/// Every process of a run has the run's folder in its command line, and its name holds the program's process id.
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

/// Command lines of the processes that belong to the run of one program.
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
    let target = target_dir()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // With the features of the whole workspace, so that no dependency is built again.
    command
        .args(["build", "--quiet", "--workspace", "--bin", "ibov", "--target-dir"])
        .arg(&target)
        .current_dir(Workspace::locate()?.root());
    let output = command.output().await.context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "cargo could not build ibov:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let program = target.join("debug").join("ibov");
    ensure!(program.exists(), "cargo built no {}", program.display());
    Ok(program)
}

/// The target directory that the test program lies in.
fn target_dir() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder
        .map(Path::to_path_buf)
        .with_context(|| format!("{} lies in no target directory", test.display()))
}
