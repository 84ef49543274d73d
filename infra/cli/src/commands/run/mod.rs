//! `ibov run`: from an empty checkout to the index by sector.

mod lake_copy;
mod portfolio_source;
pub(crate) mod report;
mod signals;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use harness::{
    checkout::{Workspace, python_environment},
    deployment::StackConfig,
    failure::{Exit, Failure},
    local_runtime::LocalRuntime,
    processes::Processes,
    progress::Progress,
    stack::{Stack, athena},
};
use serde_json::json;

use crate::{
    args::RunArgs,
    commands::run::{
        portfolio_source::Source,
        report::{Asked, Report},
    },
    running_stack::Kept,
    table,
};

const STACK: &str = "ibov";
/// With everything installed, this is many times what a run takes.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Some hundred megabytes come from PyPI, perhaps slowly.
const TIMEOUT_WITH_SETUP: Duration = Duration::from_secs(30 * 60);

/// Runs, and ends everything that it started, whatever happens.
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

/// Everything that is up after a successful run.
struct Up {
    runtime: LocalRuntime,
    stack: Stack,
    source: Source,
}

async fn attempt(args: &RunArgs, processes: &Processes, progress: &Progress) -> Result<()> {
    let workspace = Workspace::locate()?;
    if args.keep {
        Kept::refuse_second(&workspace).map_err(|error| Failure::of(error, "keep", None))?;
    }
    let timeout = args.timeout.unwrap_or(if python_environment::is_ready(&workspace) {
        TIMEOUT
    } else {
        TIMEOUT_WITH_SETUP
    });
    let up = tokio::select! {
        up = drive(args, &workspace, processes, progress) => up?,
        signal = signals::ending() => return Err(stopped(signal?, progress).into()),
        () = tokio::time::sleep(timeout) => return Err(timed_out(timeout, progress).into()),
    };
    if args.keep {
        keep(up, &workspace, progress).await
    } else {
        up.runtime.stop().await;
        Ok(())
    }
}

/// The steps, up to the printed table.
async fn drive(
    args: &RunArgs,
    workspace: &Workspace,
    processes: &Processes,
    progress: &Progress,
) -> Result<Up> {
    let started = Instant::now();
    let source =
        Source::choose(args, progress).await.map_err(|error| Failure::of(error, "source", None))?;
    let runtime = LocalRuntime::start(workspace, processes, progress).await?;
    let mut config = StackConfig::new(STACK, &source.base_url);
    config.index.clone_from(&args.index);
    config.segment.clone_from(&args.segment);
    let stack = runtime.deploy(&config, progress).await?;

    let chain = runtime.chain(&stack);
    let before = chain.before().await?;
    stack.request_fetch(Some(&args.index), Some(&args.segment)).await?;
    let journey = chain.follow(&before, progress).await.map_err(|error| {
        Failure::of(error, progress.current_stage(), Some(&runtime.logs().emulator()))
    })?;

    let step = progress.step("athena", "read tb_ibov_refined through Athena");
    let (sectors, constituents) = tokio::try_join!(
        athena::sectors(&stack, journey.date),
        athena::constituents(&stack, journey.date)
    )?;
    step.done(format_args!("{} sectors", sectors.len()));
    let step = progress.step("copy", "copy the lake to .ibov/lake");
    let (lake, files) = lake_copy::copy(&stack, workspace)
        .await
        .context("cannot copy the lake out of the emulator")?;
    step.done(format_args!("{} files", files.len()));

    let asked = Asked {
        source: source.label.clone(),
        index: args.index.clone(),
        segment: args.segment.clone(),
    };
    let message = journey.notification.message.clone();
    let report = Report::new(asked, journey, constituents, sectors, started.elapsed());
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        progress.say(format_args!("  files: {}", lake.display()));
    } else {
        println!("{}", text(&report, &message, &files));
    }
    Ok(Up { runtime, stack, source })
}

/// The human form of a report.
fn text(report: &Report, message: &str, files: &[PathBuf]) -> String {
    let mut lines = vec![
        String::new(),
        format!(
            "{} of {}, by sector (source: {}, {} constituents)",
            report.index, report.date, report.source, report.constituents
        ),
        table::sectors(report),
        format!(
            "Glue run {}: {} after {} s. Everything: {:.1} s.",
            report.glue_run.id, report.glue_run.state, report.glue_run.seconds, report.elapsed_s
        ),
    ];
    for warning in &report.warnings {
        lines.push(format!("Warning ({}): {}", warning.kind, warning.message));
    }
    for mail in &report.notifications {
        lines.push(format!(
            "\nThis would have been mailed to {} (topic {}):\n  {}",
            mail.to, mail.topic, mail.subject
        ));
    }
    lines.extend(message.lines().map(|line| format!("  | {line}")));
    lines.push("\nWritten:".to_owned());
    lines.extend(shown(files));
    lines.join("\n")
}

/// Landing and raw in full; of the many refined files their folder.
fn shown(files: &[PathBuf]) -> Vec<String> {
    let is_refined = |file: &&PathBuf| file.components().any(|part| part.as_os_str() == "refined");
    let (refined, others): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(is_refined);
    let mut lines: Vec<String> =
        others.iter().map(|file| format!("  {}", file.display())).collect();
    if let Some(date) =
        refined.first().and_then(|file| file.parent()).and_then(|sector| sector.parent())
    {
        lines.push(format!("  {}/ ({} files)", date.display(), refined.len()));
    }
    lines
}

/// Stays until Ctrl-C, SIGTERM, or the emulator's unexpected end.
async fn keep(mut up: Up, workspace: &Workspace, progress: &Progress) -> Result<()> {
    let control = up.source.stand_in.as_ref().map(|server| server.control_url().to_owned());
    let kept = Kept::new(
        up.runtime.endpoint(),
        &up.stack,
        control,
        up.runtime.logs().folder().to_path_buf(),
    );
    let note = kept.leave(workspace)?;
    progress.say(format_args!("\n{}", kept.instructions()));
    tokio::select! {
        signal = signals::ending() => { signal?; }
        died = up.runtime.died() => { died.map_err(|error| Failure::of(error, "emulator", None))?; }
    }
    drop(note);
    progress.say("\n  stopping the stack");
    up.runtime.stop().await;
    progress.say("  stopped, nothing is left running");
    Ok(())
}

fn stopped(signal: signals::Ending, progress: &Progress) -> Failure {
    let (name, exit) = match signal {
        signals::Ending::CtrlC => ("Ctrl-C", Exit::Interrupted),
        signals::Ending::Terminate => ("SIGTERM", Exit::Terminated),
    };
    Failure { exit, ..Failure::new(progress.current_stage(), format!("stopped by {name}")) }
}

fn timed_out(timeout: Duration, progress: &Progress) -> Failure {
    let cause = format!(
        "not done after {} s, the time for everything; run again to continue, with a longer --timeout if need be",
        timeout.as_secs()
    );
    Failure { exit: Exit::TimedOut, ..Failure::new(progress.current_stage(), cause) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::report::tests::report;

    #[test]
    fn what_is_odd_about_the_portfolio_is_printed() {
        let text = text(&report(), "message", &[]);
        assert!(text.contains("\nWarning (type-absent): 1 row has no type: MBRF3\n"), "{text}");
    }

    #[test]
    fn refined_files_are_shown_as_their_folder() {
        let files = [
            "/l/landing/a.json",
            "/l/raw/date=d/b.parquet",
            "/l/refined/Data=d/Setor=x/p.parquet",
            "/l/refined/Data=d/Setor=y/p.parquet",
        ];
        let lines = shown(&files.map(PathBuf::from));
        assert_eq!(
            lines,
            ["  /l/landing/a.json", "  /l/raw/date=d/b.parquet", "  /l/refined/Data=d/ (2 files)"]
        );
    }
}
