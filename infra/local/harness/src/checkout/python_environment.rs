//! The virtual environment with the emulator and Spark. It is set up again after the lock file changed or an earlier
//! set-up was interrupted.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::{
    causes::{Explained, PYPI},
    checkout::{Workspace, lock_file},
    failure::Failure,
    processes::Processes,
    progress::Step,
    text,
};

/// Written last, with the hash of the installed lock file and the environment's own path; an environment without it
/// does not count. Its scripts, and what Spark keeps in it, hold that path, so a checkout that was copied or moved
/// needs a new one.
const MARKER: &str = "venv/.installed-requirements";

/// Whether the environment holds what the lock file asks for.
pub fn is_ready(workspace: &Workspace) -> bool {
    let installed = fs::read_to_string(workspace.private(MARKER)).ok();
    installed.is_some() && installed == wanted(workspace).ok() && workspace.python().exists()
}

/// Sets the environment up if it is not ready. Two runs at once take turns. An error holds pip's own message.
pub async fn ensure(
    workspace: &Workspace,
    python: &Path,
    processes: &Processes,
    step: &Step,
) -> Result<String> {
    if is_ready(workspace) {
        return Ok(text!(en: "ready", pt: "pronto"));
    }
    let _lock = lock_file(&workspace.private("setup.lock"), || {
        step.note(text!(en: "another run is setting up", pt: "outra execução está preparando"))
    })
    .await?;
    if is_ready(workspace) {
        return Ok(text!(en: "set up by another run", pt: "preparado por outra execução"));
    }
    let log = workspace.private("setup.log");
    fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
    let venv = workspace.private("venv");
    step.note("python -m venv");
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv), processes, &log, |_| {})
        .await?;
    install(workspace, processes, &log, step).await?;
    fs::write(workspace.private(MARKER), wanted(workspace)?)?;
    Ok(text!(en: "installed", pt: "instalado"))
}

/// The user's settings for pip, in `PIP_*` variables or files, stay in force.
async fn install(
    workspace: &Workspace,
    processes: &Processes,
    log: &Path,
    step: &Step,
) -> Result<()> {
    let requirements = requirements(workspace);
    let text = fs::read_to_string(&requirements)?;
    step.total(
        text.lines().filter(|line| line.contains("==") && !line.starts_with([' ', '#'])).count(),
    );
    let mut command = Command::new(workspace.python());
    command
        .args([
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--disable-pip-version-check",
            "--no-input",
            // Python compiles what it imports, which is little of it.
            "--no-compile",
            "--progress-bar",
            "off",
            "-r",
        ])
        .arg(&requirements);
    run(&mut command, processes, log, |line| {
        if line.starts_with("Collecting ") || line.starts_with("Ignoring ") {
            step.advance();
        }
        let activity = line.split(" (from").next().unwrap_or(line).trim();
        step.note(activity.split(" --hash").next().unwrap_or(activity));
    })
    .await
    .map_err(|error| match error.downcast::<Failure>() {
        // Its cause comes first.
        Ok(failure) => failure.into(),
        Err(error) => error.context(run_again()),
    })
}

fn run_again() -> String {
    text!(
        en: "the packages of infra/local/requirements.txt could not be installed; run again to continue, what was downloaded is kept in pip's cache",
        pt: "não foi possível instalar os pacotes de infra/local/requirements.txt; rode de novo para continuar: o que foi baixado fica no cache do pip",
    )
}

fn requirements(workspace: &Workspace) -> PathBuf {
    workspace.path("infra/local/requirements.txt")
}

fn wanted(workspace: &Workspace) -> Result<String> {
    let path = requirements(workspace);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(text, "{byte:02x}")?;
    }
    // Links are resolved because the copy in which mutations are tried has a link to the environment.
    let place = workspace.private("venv").canonicalize().context("there is no environment")?;
    Ok(format!("{text}\n{}\n", place.display()))
}

/// Runs a command, logs what it prints and passes each line of its standard output to `on_line`.
async fn run(
    command: &mut Command,
    processes: &Processes,
    log: &Path,
    on_line: impl Fn(&str),
) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut output_log = fs::OpenOptions::new().append(true).open(log)?;
    let mut error_log = output_log.try_clone()?;
    let mut errors = Vec::new();
    let status = processes
        .spawn(command)?
        .read_lines(
            |line| {
                on_line(line);
                let _logged = writeln!(output_log, "{line}");
            },
            |line| {
                let _logged = writeln!(error_log, "{line}");
                errors.push(line.to_owned());
            },
        )
        .await?;
    if status.success() {
        return Ok(());
    }
    let place = log.parent().unwrap_or(log);
    match Explained::of(&errors.join("\n"), PYPI, place) {
        Some(Explained { cause, exit }) => {
            let logs = Some(log.to_path_buf());
            Err(Failure { exit, logs, ..Failure::new("setup", cause) }.into())
        }
        None => bail!("{} (all of it in {})", cause(&errors), log.display()),
    }
}

/// The reason that pip gives: its `ERROR:` lines, or else its last line.
fn cause(lines: &[String]) -> String {
    let errors: Vec<&str> =
        lines.iter().filter_map(|line| line.trim().strip_prefix("ERROR: ")).collect();
    let network =
        lines.iter().rev().find(|line| line.contains("Error(") || line.contains("Connection"));
    match (errors.is_empty(), network) {
        (false, Some(network)) => format!("{}; before that: {}", errors.join("; "), network.trim()),
        (false, None) => errors.join("; "),
        (true, _) => lines.last().cloned().unwrap_or_else(|| "it failed without a word".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_what_pip_calls_an_error_and_why() {
        let said = [
            "WARNING: Retrying after connection broken by 'NewConnectionError(\"no route\")'",
            "ERROR: No matching distribution found for duckdb",
        ];
        let lines: Vec<String> = said.iter().map(|&line| line.to_owned()).collect();
        let cause = cause(&lines);
        assert!(cause.starts_with("No matching distribution found for duckdb"), "{cause}");
        assert!(cause.contains("no route"), "{cause}");
    }

    #[tokio::test]
    async fn a_failing_command_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo working; echo broken >&2; exit 3"]);
        let error = run(&mut command, &Processes::default(), &log, |_| {}).await.unwrap_err();
        assert!(error.to_string().starts_with("broken"), "{error}");
        assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 2);
    }
}
