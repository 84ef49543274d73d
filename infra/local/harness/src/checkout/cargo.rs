//! Building binaries of the workspace with Cargo, in this program's target directory so that they share dependencies.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::{
    causes::{CRATES_IO, Explained},
    checkout::Workspace,
    failure::Failure,
    processes::Processes,
    progress::Step,
};

/// Packages, which their binaries and functions are named after.
const FUNCTIONS: [&str; 4] = ["fetcher", "parquet-writer", "glue-trigger", "glue-notifier"];

/// The built file of each binary, by name.
pub type Executables = BTreeMap<String, PathBuf>;

/// Builds the functions, which takes half a second if nothing has changed.
pub async fn build_functions(
    workspace: &Workspace,
    processes: &Processes,
    step: &Step,
) -> Result<Executables> {
    build("the functions", &FUNCTIONS, workspace, processes, step).await
}

/// Builds binaries. `what` names them in an error, which holds the compiler's messages.
pub async fn build(
    what: &str,
    binaries: &[&str],
    workspace: &Workspace,
    processes: &Processes,
    step: &Step,
) -> Result<Executables> {
    let mut executables = Executables::new();
    let mut messages = Vec::new();
    let mut process = processes.spawn(&mut command(workspace, binaries))?;
    let status = process
        .read_lines(
            |line| executables.extend(executable(line, binaries)),
            |line| {
                step.note(line.trim());
                messages.push(line.to_owned());
            },
        )
        .await?;
    if !status.success() {
        let said = without_activity(&messages);
        let said = format!("cargo could not build {what}:\n{said}");
        return Err(match Explained::of(&said, CRATES_IO, workspace.root()) {
            Some(Explained { cause, exit }) => {
                let cause = format!("{cause}\n{said}");
                Failure { exit, ..Failure::new("build", cause) }.into()
            }
            None => anyhow!(said),
        });
    }
    match binaries.iter().find(|name| !executables.contains_key(**name)) {
        Some(absent) => bail!("cargo built no executable named {absent}"),
        None => Ok(executables),
    }
}

fn command(workspace: &Workspace, binaries: &[&str]) -> Command {
    let mut command =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command
        .current_dir(workspace.root())
        .args(["build", "--message-format=json-render-diagnostics"]);
    // The features of the whole workspace, with which this program was built too.
    command.arg("--workspace");
    for name in binaries {
        command.args(["--bin", name]);
    }
    if let Some(target) = target_dir() {
        command.arg("--target-dir").arg(target);
    }
    // `cargo run` sets these variables for this program; a build script must not take them for its own package's.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The target directory that this program lies in, which `--target-dir` may have chosen.
fn target_dir() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    exe.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).map(Path::to_path_buf)
}

#[derive(Deserialize)]
struct Artifact {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn executable(line: &str, binaries: &[&str]) -> Option<(String, PathBuf)> {
    let artifact: Artifact = serde_json::from_str(line).ok()?;
    let name = artifact.target?.name;
    (artifact.reason == "compiler-artifact" && binaries.contains(&name.as_str()))
        .then_some((name, artifact.executable?))
}

fn without_activity(messages: &[String]) -> String {
    let activity =
        ["Compiling ", "Downloading ", "Downloaded ", "Updating ", "Blocking ", "Locking "];
    let lines: Vec<&str> = messages
        .iter()
        .map(String::as_str)
        .filter(|line| !activity.iter().any(|word| line.trim_start().starts_with(word)))
        .collect();
    lines.join("\n")
}

/// Size of a file in MiB.
pub fn megabytes(path: &Path) -> Result<u64> {
    let metadata = std::fs::metadata(path);
    Ok(metadata.with_context(|| format!("cannot read {}", path.display()))?.len() >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_in_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","target":{"kind":["bin"],"name":"fetcher"},"executable":"/t/debug/fetcher"}"#;
        assert_eq!(
            executable(line, &FUNCTIONS),
            Some(("fetcher".into(), "/t/debug/fetcher".into()))
        );
        assert_eq!(executable(&line.replace("\"/t/debug/fetcher\"", "null"), &FUNCTIONS), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#, &FUNCTIONS), None);
    }

    #[test]
    fn a_failed_build_shows_the_compilers_words_only() {
        let messages =
            ["   Compiling serde v1", "error[E0425]: cannot find value `x`"].map(str::to_owned);
        assert_eq!(without_activity(&messages), "error[E0425]: cannot find value `x`");
    }
}
