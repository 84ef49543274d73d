//! The pipeline on this machine: emulator, functions and packaged template, ready for stacks to be created in it.

use std::{convert::Infallible, path::PathBuf};

use anyhow::Result;

use crate::{
    checkout::{
        Workspace,
        cargo::{self, Executables},
        prerequisites, python_environment,
    },
    deployment::{self, Package, StackConfig},
    emulator::{Emulator, EmulatorOptions, Logs},
    failure::Failure,
    journey::Tracker,
    processes::Processes,
    progress::Progress,
    stack::Stack,
};

/// A running emulator with the uploaded functions.
#[derive(Debug)]
pub struct LocalRuntime {
    emulator: Emulator,
    package: Package,
}

impl LocalRuntime {
    /// Checks the machine, installs and builds what is missing, starts the emulator and uploads the functions.
    ///
    /// # Errors
    /// A [`Failure`] that names the step.
    pub async fn start(
        workspace: &Workspace,
        processes: &Processes,
        progress: &Progress,
        options: &EmulatorOptions,
    ) -> Result<Self> {
        prepare(workspace, processes, progress).await?;
        // The emulator starts while Cargo looks for changes.
        let (emulator, executables) = tokio::try_join!(
            start_emulator(workspace, processes, progress, options),
            build(workspace, processes, progress)
        )?;
        let step = progress.step("package", "upload functions and scripts");
        let (clients, template) = (emulator.clients(), workspace.template());
        let package = Package::upload(&clients, emulator.endpoint(), &template, &executables).await;
        let package = package
            .map_err(|error| Failure::of(error, "package", Some(&emulator.logs().emulator())))?;
        step.done("uploaded");
        Ok(Self { emulator, package })
    }

    /// Creates a stack. Several can live side by side, each in a database of its own.
    ///
    /// # Errors
    /// A [`Failure`] that names the resource and the reason.
    pub async fn deploy(&self, config: &StackConfig, progress: &Progress) -> Result<Stack> {
        let step = progress.step("deploy", format!("deploy stack {}", config.name));
        let stack = deployment::create(self.emulator.clients(), &self.package, config).await;
        let stack = stack.map_err(|error| {
            let failure = Failure::of(error, "deploy", None);
            Failure { logs: failure.logs.or_else(|| Some(self.logs().emulator())), ..failure }
        })?;
        step.done(format_args!("{} outputs", stack.outputs.len()));
        Ok(stack)
    }

    pub fn tracker<'a>(&self, stack: &'a Stack) -> Tracker<'a> {
        Tracker::new(stack, self.logs())
    }

    /// The folder of this run for the objects of a kept bucket that has no other.
    pub fn lake(&self) -> PathBuf {
        self.emulator.lake()
    }

    pub fn logs(&self) -> Logs {
        self.emulator.logs()
    }

    /// Where all services answer.
    pub fn endpoint(&self) -> &str {
        self.emulator.endpoint()
    }

    /// Waits until the emulator ends unexpectedly, which is the error.
    pub async fn died(&mut self) -> Result<Infallible> {
        self.emulator.died().await
    }

    /// Ends the emulator and everything that runs in it.
    pub async fn stop(self) {
        self.emulator.stop().await;
    }
}

/// Does `work` on a stack that has the bucket, the tables and Athena's part of the template alone: nothing in it fetches,
/// refines or writes.
///
/// # Errors
/// Those of `work`, and a [`Failure`] if the emulator or the stack does not start.
pub async fn with_tables(
    workspace: &Workspace,
    processes: &Processes,
    options: &EmulatorOptions,
    stack: &str,
    work: impl AsyncFnOnce(Stack) -> Result<()>,
) -> Result<()> {
    if !python_environment::is_ready(workspace) {
        prepare(workspace, processes, &Progress::stderr()).await?;
    }
    let emulator = start_emulator(workspace, processes, &Progress::silent(), options).await?;
    let (clients, template) = (emulator.clients(), workspace.template());
    let done = async {
        let package = Package::upload_tables(&clients, emulator.endpoint(), &template).await?;
        let config = StackConfig::new(stack, "http://127.0.0.1:9");
        work(deployment::create(clients, &package, &config).await?).await
    };
    let done = done.await;
    emulator.stop().await;
    done
}

async fn prepare(workspace: &Workspace, processes: &Processes, progress: &Progress) -> Result<()> {
    let step = progress.step("check", "check this machine");
    let first_run = !python_environment::is_ready(workspace);
    let machine = prerequisites::check(workspace.root(), first_run).await?;
    step.done(format_args!(
        "Python {}, C compiler, {} GiB free",
        machine.python_version,
        machine.free_bytes >> 30
    ));
    let step = progress.step("setup", "set up .ibov/venv");
    let outcome = python_environment::ensure(workspace, &machine.python, processes, &step).await;
    let outcome = outcome
        .map_err(|error| Failure::of(error, "setup", Some(&workspace.private("setup.log"))))?;
    step.done(outcome);
    Ok(())
}

async fn start_emulator(
    workspace: &Workspace,
    processes: &Processes,
    progress: &Progress,
    options: &EmulatorOptions,
) -> Result<Emulator> {
    let step = progress.step("emulator", "start the emulator");
    let emulator = Emulator::start(workspace, processes, options)
        .await
        .map_err(|error| Failure::of(error, "emulator", None))?;
    step.done(emulator.endpoint());
    Ok(emulator)
}

async fn build(
    workspace: &Workspace,
    processes: &Processes,
    progress: &Progress,
) -> Result<Executables> {
    let step = progress.step("build", "build the functions");
    let executables = cargo::build_functions(workspace, processes, &step)
        .await
        .map_err(|error| Failure::of(error, "build", None))?;
    let mut total = 0;
    for path in executables.values() {
        total += cargo::megabytes(path)?;
    }
    step.done(format_args!("{} functions, {total} MiB", executables.len()));
    Ok(executables)
}
