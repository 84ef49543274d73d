//! `ibov`, the operator's tool: runs the pipeline on this machine, and works with a stack that is up. The command line
//! is in [`args`].

mod account;
mod advice;
mod args;
mod command_line;
mod commands;
#[cfg(test)]
mod documented;
mod examples;
mod export;
mod lake;
mod output;
mod running_stack;
mod svg;

use std::process::ExitCode;

use harness::{causes::disk_full_first, checkout::Workspace, failure::Failure};

use crate::{args::Command, output::Language};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = command_line::parse();
    Language::choose(cli.lang);
    let done = match cli.command {
        Command::Run(args) => return commands::run(args).await,
        Command::Import(args) => return commands::import(&args).await,
        Command::Reprocess(args) => return commands::reprocess(&args).await,
        Command::Fetch(args) => commands::fetch(&args).await,
        Command::Status(args) => commands::status(&args).await,
        Command::Doctor(args) => commands::doctor(&args).await,
        Command::Logs(args) => commands::logs(&args).await,
        Command::Parked(args) => commands::parked(&args).await,
        Command::Redrive(args) => commands::redrive(&args).await,
        Command::Discard(args) => commands::discard(&args).await,
        Command::Refine(args) => commands::refine(&args).await,
        Command::B3(args) => commands::b3(&args).await,
        Command::Query(args) => commands::query(&args).await,
        Command::Queries(args) => commands::queries(&args).await,
        Command::Chart(args) => commands::chart(&args).await,
        Command::History(args) => commands::history(&args).await,
        Command::Diff(args) => commands::diff(&args).await,
        Command::Report(args) => commands::report(&args).await,
        Command::Completions(args) => commands::completions(&args),
        Command::Man(args) => commands::man(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(error, "", None);
            let failure = match Workspace::locate() {
                Ok(workspace) => disk_full_first(failure, &[workspace.root()]),
                Err(_) => failure,
            };
            eprintln!("ibov: {}", failure.cause);
            ExitCode::from(failure.exit.code())
        }
    }
}
