//! Running Python programs in the checkout's virtual environment.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use harness::{
    checkout::{Workspace, prerequisites, python_environment},
    processes::Processes,
    progress::Progress,
};
use serde_json::Value;
use tokio::process::Command;

use crate::expected::Row;

/// A Parquet file as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParquetFile {
    /// Name and type of each column, in the reader's terms.
    pub columns: Vec<(String, String)>,
    /// All rows, values in plain notation.
    pub rows: Vec<Row>,
    /// Metadata of the footer, and further facts that the reader knows.
    pub facts: BTreeMap<String, String>,
}

/// The interpreter. Sets the environment up if necessary.
pub async fn interpreter() -> Result<PathBuf> {
    let workspace = Workspace::locate()?;
    let machine =
        prerequisites::check(workspace.root(), !python_environment::is_ready(&workspace)).await?;
    let progress = Progress::stderr();
    let step = progress.step("setup", "set up .ibov/venv");
    let outcome =
        python_environment::ensure(&workspace, &machine.python, &Processes::default(), &step)
            .await?;
    step.done(outcome);
    Ok(workspace.python())
}

/// Reads Parquet files with one of the scripts in `tests/tests/readers/`.
///
/// # Errors
/// When the script fails. The message holds its output.
pub async fn read_parquet(script: &str, files: &[PathBuf]) -> Result<Vec<ParquetFile>> {
    let script = Workspace::locate()?.path("tests/tests/readers").join(script);
    let arguments =
        std::iter::once(script.as_os_str()).chain(files.iter().map(|file| file.as_os_str()));
    let output = run(arguments, &Workspace::locate()?.path("")).await?;
    let documents: Vec<Value> = serde_json::from_str(&output)
        .with_context(|| format!("{} printed no JSON", script.display()))?;
    documents.iter().map(parquet_file).collect()
}

fn parquet_file(document: &Value) -> Result<ParquetFile> {
    let field = |name: &str| {
        document.get(name).cloned().with_context(|| format!("the reader left out {name}"))
    };
    Ok(ParquetFile {
        columns: serde_json::from_value(field("columns")?)?,
        rows: serde_json::from_value(field("rows")?)?,
        facts: serde_json::from_value(field("facts")?)?,
    })
}

/// Runs the interpreter and returns its standard output.
///
/// # Errors
/// When it fails. The message holds its output.
pub async fn run<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    folder: &Path,
) -> Result<String> {
    let mut command = Command::new(interpreter().await?);
    command
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.context("cannot start the interpreter")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{}\n{said}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(said)
}
