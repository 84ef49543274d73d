//! The pipeline on this machine: emulator, functions and packaged template, ready for stacks to be created in it.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
};

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
    language::plural,
    processes::Processes,
    progress::Progress,
    stack::Stack,
    text,
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
        let python = check(workspace, progress).await?;
        // pip mostly waits, and so does the emulator: Cargo works meanwhile.
        let (executables, emulator) =
            tokio::try_join!(build(workspace, processes, progress), async {
                set_up(workspace, &python, processes, progress).await?;
                start_emulator(workspace, processes, progress, options).await
            })?;
        let step = progress.step(
            "package",
            text!(en: "upload functions and scripts", pt: "enviar funções e scripts"),
        );
        let (clients, template) = (emulator.clients(), workspace.template());
        let package = async {
            // A later build must not replace the functions of a stack that is up.
            let executables = emulator.hold_functions(&executables)?;
            Package::upload(&clients, emulator.endpoint(), &template, &executables).await
        };
        let package = package
            .await
            .map_err(|error| Failure::of(error, "package", Some(&emulator.logs().emulator())))?;
        step.done(text!(en: "uploaded", pt: "enviados"));
        Ok(Self { emulator, package })
    }

    /// Creates a stack. Several can live side by side, each in a database of its own.
    ///
    /// # Errors
    /// A [`Failure`] that names the resource and the reason.
    pub async fn deploy(&self, config: &StackConfig, progress: &Progress) -> Result<Stack> {
        let name = &config.name;
        let title = text!(en: "deploy stack {name}", pt: "fazer o deploy da stack {name}");
        let step = progress.step("deploy", title);
        let stack = deployment::create(self.emulator.clients(), &self.package, config).await;
        let stack = stack.map_err(|error| {
            let failure = Failure::of(error, "deploy", None);
            Failure { logs: failure.logs.or_else(|| Some(self.logs().emulator())), ..failure }
        })?;
        let number = stack.outputs.len();
        let (outputs, saidas) =
            (plural(number, "output", "outputs"), plural(number, "saída", "saídas"));
        step.done(text!(en: "{number} {outputs}", pt: "{number} {saidas}"));
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
        let progress = Progress::stderr();
        let python = check(workspace, &progress).await?;
        set_up(workspace, &python, processes, &progress).await?;
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

/// Returns a Python that can make virtual environments.
async fn check(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    let step = progress.step("check", text!(en: "check this machine", pt: "conferir esta máquina"));
    let first_run = !python_environment::is_ready(workspace);
    let machine = prerequisites::check(workspace.root(), first_run).await?;
    let (version, free) = (machine.python_version, machine.free_bytes >> 30);
    step.done(text!(
        en: "Python {version}, C compiler, {free} GiB free",
        pt: "Python {version}, compilador C, {free} GiB livres",
    ));
    Ok(machine.python)
}

async fn set_up(
    workspace: &Workspace,
    python: &Path,
    processes: &Processes,
    progress: &Progress,
) -> Result<()> {
    let step = progress.step("setup", text!(en: "set up .ibov/venv", pt: "preparar .ibov/venv"));
    let outcome = python_environment::ensure(workspace, python, processes, &step).await;
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
    let step = progress.step("emulator", text!(en: "start the emulator", pt: "subir o emulador"));
    let emulator = Emulator::start(workspace, processes, options, &step)
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
    let step = progress.step("build", text!(en: "build the functions", pt: "compilar as funções"));
    let executables = cargo::build_functions(workspace, processes, &step)
        .await
        .map_err(|error| Failure::of(error, "build", None))?;
    let mut total = 0;
    for path in executables.values() {
        total += cargo::megabytes(path)?;
    }
    let number = executables.len();
    let functions = plural(number, "function", "functions");
    let funcoes = plural(number, "função", "funções");
    step.done(
        text!(en: "{number} {functions}, {total} MiB", pt: "{number} {funcoes}, {total} MiB"),
    );
    Ok(executables)
}
