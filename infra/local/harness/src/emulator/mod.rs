//! The emulator of AWS: starting and ending its process, and the files that it writes.

mod logs;
mod outbox;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

pub use self::{logs::Logs, outbox::Mail};
use crate::{
    aws::Clients,
    checkout::{RunFolder, Workspace, cargo::Executables},
    processes::{Process, Processes},
    progress::Step,
    text,
};

/// Where a run's folder holds the objects of a bucket that has no other.
const LAKE: &str = "lake";
/// Where it holds the functions.
const FUNCTIONS: &str = "functions";
const HEALTH: &str = "/_ministack/health";
const START_DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// The Python program that carries out the Glue runs of `ibov` in tests that need many. As failpoints, it is known to
/// debug builds alone.
const RUNNER_OF_TESTS: &str = "IBOV_GLUE_RUNNER";
/// Another program may take the port between its choice and the emulator's start.
const ATTEMPTS: usize = 3;

/// How an emulator differs from that of the local run.
#[derive(Debug, Clone, Default)]
pub struct EmulatorOptions {
    glue_runner: Option<PathBuf>,
    archive_later: bool,
    glue_minute: Option<Duration>,
    alarm_minute: Option<Duration>,
    kept_bucket: Option<(String, Option<PathBuf>)>,
    proxies: bool,
}

impl EmulatorOptions {
    /// Keeps the objects of a bucket as files of `folder`, or of the run's folder, and begins with those there.
    pub fn with_kept_bucket(mut self, name: &str, folder: Option<PathBuf>) -> Self {
        self.kept_bucket = Some((name.to_owned(), folder));
        self
    }

    /// Gives the functions the proxies of the user, by which the fetcher reaches B3. Without it they know none.
    pub fn with_proxies(mut self) -> Self {
        self.proxies = true;
        self
    }

    /// Runs Glue jobs with this Python program instead of `infra/local/glue_runner.py`.
    pub fn with_glue_runner(mut self, program: PathBuf) -> Self {
        self.glue_runner = Some(program);
        self
    }

    /// Has no Glue run make the archive of Spark's classes, which is left to [`spark_archive`](crate::checkout::spark_archive).
    pub fn with_archive_later(mut self) -> Self {
        self.archive_later = true;
        self
    }

    /// Sets how long a minute of a Glue job's timeout lasts.
    pub fn with_glue_minute(mut self, minute: Duration) -> Self {
        self.glue_minute = Some(minute);
        self
    }

    /// Sets how long a minute of an alarm's period lasts.
    pub fn with_alarm_minute(mut self, minute: Duration) -> Self {
        self.alarm_minute = Some(minute);
        self
    }
}

/// A running emulator. It ends when its standard input closes, so it cannot outlive this program.
#[derive(Debug)]
pub struct Emulator {
    process: Process,
    endpoint: String,
    clients: Clients,
    run: Arc<RunFolder>,
}

impl Emulator {
    /// Starts it on a free port of 127.0.0.1 and waits until it answers. An error holds the last lines of its log.
    pub async fn start(
        workspace: &Workspace,
        processes: &Processes,
        options: &EmulatorOptions,
        step: &Step,
    ) -> Result<Self> {
        let run = Arc::new(RunFolder::create(workspace)?);
        // If this is dropped before its end, the processes still use the folder.
        processes.hold(Arc::clone(&run));
        step.part(
            text!(en: "clear what old runs left", pt: "limpar o que execuções antigas deixaram"),
        );
        let mut failure = None;
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            let process = processes.spawn(&mut command(workspace, options, run.path(), port)?)?;
            match ready(process, port, run.path(), step).await {
                Ok(process) => {
                    let endpoint = format!("http://127.0.0.1:{port}");
                    let clients = Clients::local(&endpoint)?;
                    return Ok(Self { process, endpoint, clients, run });
                }
                Err(error) if error.to_string().contains("ddress already in use") => {
                    failure = Some(error)
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow::anyhow!("no port was free")))
    }

    /// Where all services answer.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The logs of the emulator and of everything that runs in it.
    pub fn logs(&self) -> Logs {
        Logs::new(self.run.path())
    }

    /// The folder of this run for the objects of a kept bucket that has no other.
    pub fn lake(&self) -> PathBuf {
        self.run.path().join(LAKE)
    }

    /// The functions as they are now, in the folder of this run.
    pub fn hold_functions(&self, built: &Executables) -> Result<Executables> {
        hold(built, &self.run.path().join(FUNCTIONS))
    }

    pub fn clients(&self) -> Clients {
        self.clients.clone()
    }

    /// Waits until it ends unexpectedly. The error holds the last lines of its log.
    pub async fn died(&mut self) -> Result<std::convert::Infallible> {
        let status = self.process.wait().await?;
        bail!("the emulator ended ({status}): {}", last_lines(&self.logs().emulator()))
    }

    /// Ends it together with its functions and Spark runs. Their logs stay.
    pub async fn stop(self) {
        self.process.end().await;
        self.run.keep_logs();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn command(
    workspace: &Workspace,
    options: &EmulatorOptions,
    state: &Path,
    port: u16,
) -> Result<Command> {
    let log = File::create(state.join("emulator.log"))?;
    let python = workspace.python();
    let of_tests = cfg!(debug_assertions).then(|| std::env::var_os(RUNNER_OF_TESTS)).flatten();
    let runner = match options.glue_runner.clone().or(of_tests.map(PathBuf::from)) {
        Some(program) => quoted(&program)?,
        None => {
            let later = if options.archive_later { " --archive-later" } else { "" };
            format!("{}{later}", quoted(&workspace.path("infra/local/glue_runner.py"))?)
        }
    };
    let mut command = Command::new(&python);
    command
        .arg(workspace.path("infra/local/emulator"))
        .args(["--port", &port.to_string(), "--state-dir"])
        .arg(state)
        .args(["--glue-runner", &format!("{} {runner}", quoted(&python)?)])
        .env("PYTHONUNBUFFERED", "1")
        .envs(loopback_without_proxy())
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log);
    if let Some(minute) = options.glue_minute {
        command.args(["--glue-minute", &minute.as_secs_f64().to_string()]);
    }
    if options.proxies {
        command.arg("--proxies");
    }
    if let Some(minute) = options.alarm_minute {
        command.args(["--alarm-minute", &minute.as_secs_f64().to_string()]);
    }
    if let Some((name, folder)) = &options.kept_bucket {
        let folder = folder.clone().unwrap_or_else(|| state.join(LAKE));
        let mut argument = OsString::from(format!("{name}="));
        argument.push(folder);
        command.arg("--keep-bucket").arg(argument);
    }
    Ok(command)
}

/// Gives each file a second name in `folder`. Cargo replaces files and never writes into them, so that is as good as a
/// copy, and free.
fn hold(built: &Executables, folder: &Path) -> Result<Executables> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut held = Executables::new();
    for (name, executable) in built {
        let own = folder.join(name);
        match fs::hard_link(executable, &own) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            // The folder is on another disk.
            Err(_) => {
                fs::copy(executable, &own).with_context(|| {
                    format!("cannot copy {} to {}", executable.display(), own.display())
                })?;
            }
        }
        held.insert(name.clone(), own);
    }
    Ok(held)
}

/// The emulator splits the runner's command line as a shell does.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

/// The user's proxy may be needed to reach B3, but never for the emulator and the stand-in server.
fn loopback_without_proxy() -> [(&'static str, OsString); 2] {
    // Programs differ in which spelling they read first.
    let names = ["NO_PROXY", "no_proxy"];
    let of_user = names.into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    let mut value = of_user.unwrap_or_default();
    value.push(if value.is_empty() { "127.0.0.1,localhost" } else { ",127.0.0.1,localhost" });
    names.map(|name| (name, value.clone()))
}

async fn ready(mut process: Process, port: u16, state: &Path, step: &Step) -> Result<Process> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    let url = format!("http://127.0.0.1:{port}{HEALTH}");
    let log = state.join("emulator.log");
    let deadline = Instant::now() + START_DEADLINE;
    let mut imported = false;
    while Instant::now() < deadline {
        if let Some(status) = process.child.try_wait()? {
            process.wait().await?;
            bail!("the emulator ended as it started ({status}): {}", last_lines(&log));
        }
        if !imported && fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            imported = true;
            step.part(text!(en: "Python imports it", pt: "o Python o importa"));
        }
        if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            step.part(text!(en: "it begins to answer", pt: "ele passa a responder"));
            return Ok(process);
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("the emulator did not answer within {} s: {}", START_DEADLINE.as_secs(), last_lines(&log))
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n");
    format!("{tail}\n(all of it in {})", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(options: &EmulatorOptions) -> String {
        let state = tempfile::tempdir().unwrap();
        let workspace = Workspace::locate().unwrap();
        let command = command(&workspace, options, state.path(), 4566).unwrap();
        let arguments = command.as_std().get_args().map(|argument| argument.to_string_lossy());
        arguments.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_later_build_does_not_replace_the_functions_of_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let built = folder.path().join("fetcher");
        fs::write(&built, "first").unwrap();
        let executables = Executables::from([("fetcher".to_owned(), built.clone())]);
        let held = hold(&executables, &folder.path().join("run/functions")).unwrap();
        // As linkers do: a function that is running could not be overwritten.
        fs::remove_file(&built).unwrap();
        fs::write(&built, "second").unwrap();
        assert_eq!(fs::read_to_string(&held["fetcher"]).unwrap(), "first");
    }

    #[test]
    fn glue_runs_are_carried_out_as_the_options_say() {
        let usual = arguments(&EmulatorOptions::default());
        assert!(usual.ends_with("infra/local/glue_runner.py'"), "{usual}");
        let later = arguments(&EmulatorOptions::default().with_archive_later());
        assert!(later.contains("infra/local/glue_runner.py' --archive-later"), "{later}");
        let options = EmulatorOptions::default()
            .with_glue_runner("/it's/fast.py".into())
            .with_glue_minute(Duration::from_millis(500));
        let other = arguments(&options);
        let impatient = arguments(&options.with_alarm_minute(Duration::from_secs(2)));
        assert!(impatient.ends_with("--alarm-minute 2"), "{impatient}");
        assert!(other.contains(r"'/it'\''s/fast.py'"), "{other}");
        assert!(other.ends_with("--glue-minute 0.5"), "{other}");
        let kept = arguments(
            &EmulatorOptions::default().with_kept_bucket("b", Some("/folder of mine".into())),
        );
        assert!(kept.ends_with("--keep-bucket b=/folder of mine"), "{kept}");
    }
}
