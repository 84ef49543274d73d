//! The process's emulator, and the async runtime that its clients live in.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use ibov::{local::LocalRuntime, process::Processes, progress::Progress, workspace::Workspace};
use tokio::{runtime::Runtime, sync::OnceCell};

/// One runtime for the whole process: a connection that one test opened and another reuses belongs to it.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(Runtime::new);

/// Nobody stops it: its standard input closes when this process ends, and with it everything that it started.
static EMULATOR: OnceCell<LocalRuntime> = OnceCell::const_new();

/// Runs a test.
///
/// # Errors
/// The test's own.
pub fn run<T>(test: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = RUNTIME.as_ref().map_err(|error| anyhow!("no async runtime: {error}"))?;
    runtime.block_on(test)
}

/// The emulator with the built functions; started by the first test that asks.
///
/// # Errors
/// Names the step that failed.
pub async fn emulator() -> Result<&'static LocalRuntime> {
    let start = || async {
        let workspace = Workspace::locate()?;
        LocalRuntime::start(&workspace, &Processes::default(), &Progress::stderr()).await
    };
    EMULATOR.get_or_try_init(start).await.context("the emulator for the tests did not start")
}

/// A path below the top of the checkout.
///
/// # Errors
/// When the checkout is gone.
pub fn in_workspace(relative: &str) -> Result<PathBuf> {
    Ok(Workspace::locate()?.path(relative))
}
