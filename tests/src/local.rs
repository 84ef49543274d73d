//! The test process's emulator and async runtime, and paths in the checkout.

use std::{
    fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::{Context as _, Result, anyhow};
use harness::{
    checkout::Workspace, emulator::EmulatorOptions, local_runtime::LocalRuntime,
    processes::Processes, progress::Progress,
};
use tokio::{
    runtime::Runtime,
    sync::{OnceCell, Semaphore, SemaphorePermit},
};

/// One runtime for the whole process, because tests share connections, which belong to the runtime they were opened in.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(Runtime::new);

/// It is never stopped explicitly: it ends when this process does, because that closes its standard input.
static EMULATOR: OnceCell<LocalRuntime> = OnceCell::const_new();

/// Most tests wait for the emulator most of the time, so more of them run at once than there are cores
/// (`.cargo/config.toml`). Those that use cores take turns.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Waits until this test may do something that keeps a core busy for seconds: run `ibov`, Spark or pytest. The turn ends
/// when the value is dropped. Whoever has one must not wait for another.
pub async fn turn() -> Result<SemaphorePermit<'static>> {
    Ok(TURNS.acquire().await?)
}

pub fn run<T>(test: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = RUNTIME.as_ref().map_err(|error| anyhow!("no async runtime: {error}"))?;
    runtime.block_on(test)
}

/// The emulator that most tests share, started by the first of them.
pub async fn emulator() -> Result<&'static LocalRuntime> {
    EMULATOR.get_or_try_init(|| start_emulator(EmulatorOptions::default())).await
}

/// Starts an emulator with other options than the shared one.
pub async fn start_emulator(options: EmulatorOptions) -> Result<LocalRuntime> {
    let (workspace, processes) = (Workspace::locate()?, Processes::default());
    let started = LocalRuntime::start(&workspace, &processes, &Progress::stderr(), &options).await;
    started.context("the emulator for the tests did not start")
}

/// A path in the checkout.
pub fn in_workspace(relative: &str) -> Result<PathBuf> {
    Ok(Workspace::locate()?.path(relative))
}

/// Every Rust file of a folder.
pub fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
