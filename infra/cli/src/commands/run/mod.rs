//! `ibov run`: from an empty checkout to the index by sector.

mod lake_copy;
mod portfolio_source;
mod report;
mod sector_table;
mod signals;
mod summary;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use harness::{
    checkout::{Workspace, python_environment},
    deployment::StackConfig,
    emulator::EmulatorOptions,
    failure::{Exit, Failure},
    journey::Journey,
    local_runtime::LocalRuntime,
    processes::Processes,
    progress::Progress,
    stack::{Stack, athena},
};
use serde_json::json;

use self::{
    portfolio_source::PortfolioSource,
    report::{Report, RunRequest},
    signals::EndingSignal,
};
use crate::{args::RunArgs, running_stack::RunningStack};

const STACK: &str = "ibov";
/// Many times what a run takes once everything is installed.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Some hundred megabytes come from PyPI, perhaps slowly.
const TIMEOUT_WITH_SETUP: Duration = Duration::from_secs(30 * 60);

/// Runs, and in any case ends everything that it started.
pub(crate) async fn run(args: RunArgs) -> ExitCode {
    let (progress, processes) = (Progress::stderr(), Processes::default());
    let outcome = attempt(&args, &processes, &progress).await;
    let ended = processes.end_all().await;
    if ended > 0 {
        progress.say(format_args!("  stopped {ended} process group(s), nothing is left running"));
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(error, progress.current_stage(), None);
            progress.say(format_args!("\n{failure}"));
            if args.json {
                println!(
                    "{}",
                    json!({"error": failure, "index": args.index, "segment": args.segment})
                );
            }
            ExitCode::from(failure.exit.code())
        }
    }
}

async fn attempt(args: &RunArgs, processes: &Processes, progress: &Progress) -> Result<()> {
    let workspace = &Workspace::locate()?;
    if args.keep {
        RunningStack::refuse_second(workspace).map_err(|error| Failure::of(error, "keep", None))?;
    }
    let timeout = args.timeout.unwrap_or(if python_environment::is_ready(workspace) {
        TIMEOUT
    } else {
        TIMEOUT_WITH_SETUP
    });
    let run = Run { args, workspace, processes, progress };
    let up = tokio::select! {
        up = run.carry_out() => up?,
        signal = signals::ending() => return Err(run.stopped(signal?).into()),
        () = tokio::time::sleep(timeout) => return Err(run.timed_out(timeout).into()),
    };
    if args.keep {
        run.keep_up(up).await
    } else {
        up.runtime.stop().await;
        Ok(())
    }
}

struct Run<'a> {
    args: &'a RunArgs,
    workspace: &'a Workspace,
    processes: &'a Processes,
    progress: &'a Progress,
}

/// Everything that is up after a successful run.
struct Up {
    runtime: LocalRuntime,
    stack: Stack,
    source: PortfolioSource,
}

impl Run<'_> {
    /// All steps, from choosing the source to printing the table.
    async fn carry_out(&self) -> Result<Up> {
        let started = Instant::now();
        let source = PortfolioSource::choose(self.args, self.progress).await;
        let source = source.map_err(|error| Failure::of(error, "source", None))?;
        let options = EmulatorOptions::default();
        let runtime =
            LocalRuntime::start(self.workspace, self.processes, self.progress, &options).await?;
        let mut config = StackConfig::new(STACK, &source.base_url);
        config.index.clone_from(&self.args.index);
        config.segment.clone_from(&self.args.segment);
        let stack = runtime.deploy(&config, self.progress).await?;

        let tracker = runtime.tracker(&stack);
        let before = tracker.snapshot().await?;
        stack.request_fetch(Some(&self.args.index), Some(&self.args.segment)).await?;
        let journey = tracker.follow(&before, self.progress).await.map_err(|error| {
            let log = runtime.logs().emulator();
            Failure::of(error, self.progress.current_stage(), Some(&log))
        })?;
        self.print_results(journey, &stack, &source, started).await?;
        Ok(Up { runtime, stack, source })
    }

    /// Reads the results back through Athena, copies the lake, and prints both.
    async fn print_results(
        &self,
        journey: Journey,
        stack: &Stack,
        source: &PortfolioSource,
        started: Instant,
    ) -> Result<()> {
        let step = self.progress.step("athena", "read tb_ibov_refined through Athena");
        let (sectors, constituents) = tokio::try_join!(
            athena::sectors(stack, journey.date),
            athena::constituents(stack, journey.date)
        )?;
        step.done(format_args!("{} sectors", sectors.len()));
        let step = self.progress.step("copy", "copy the lake to .ibov/lake");
        let copied = lake_copy::copy(stack, self.workspace).await;
        let (lake, files) = copied.context("cannot copy the lake out of the emulator")?;
        step.done(format_args!("{} files", files.len()));

        let request = RunRequest {
            source: source.label.clone(),
            index: self.args.index.clone(),
            segment: self.args.segment.clone(),
        };
        let message = journey.notification.message.clone();
        let report = Report::new(request, journey, constituents, sectors, started.elapsed());
        if self.args.json {
            println!("{}", serde_json::to_string(&report)?);
            self.progress.say(format_args!("  files: {}", lake.display()));
        } else {
            println!("{}", summary::of(&report, &message, &files));
        }
        Ok(())
    }

    /// Stays until Ctrl-C, SIGTERM, or the emulator's unexpected end.
    async fn keep_up(&self, mut up: Up) -> Result<()> {
        let control_url = up.source.stand_in.as_ref().map(|server| server.control_url().to_owned());
        let folder = up.runtime.logs().folder().to_path_buf();
        let running = RunningStack::new(up.runtime.endpoint(), &up.stack, control_url, folder);
        let note = running.leave_note(self.workspace)?;
        self.progress.say(format_args!("\n{}", running.instructions()));
        tokio::select! {
            signal = signals::ending() => { signal?; }
            died = up.runtime.died() => {
                died.map_err(|error| Failure::of(error, "emulator", None))?;
            }
        }
        drop(note);
        self.progress.say("\n  stopping the stack");
        up.runtime.stop().await;
        self.progress.say("  stopped, nothing is left running");
        Ok(())
    }

    fn stopped(&self, signal: EndingSignal) -> Failure {
        let (name, exit) = match signal {
            EndingSignal::CtrlC => ("Ctrl-C", Exit::Interrupted),
            EndingSignal::Terminate => ("SIGTERM", Exit::Terminated),
        };
        let cause = format!("stopped by {name}");
        Failure { exit, ..Failure::new(self.progress.current_stage(), cause) }
    }

    fn timed_out(&self, timeout: Duration) -> Failure {
        let cause = format!(
            "not done after {} s, the time for everything; run again to continue, with a longer --timeout if need be",
            timeout.as_secs()
        );
        Failure { exit: Exit::TimedOut, ..Failure::new(self.progress.current_stage(), cause) }
    }
}
