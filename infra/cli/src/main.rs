//! `ibov`: see [`ibov::args`] for the command line.

use clap::Parser as _;
use ibov::args::{Cli, Command};
use ibov::failure::Failure;
use ibov::{run, verbs};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => return run::run(args).await,
        Command::Fetch(args) => verbs::fetch(&args).await,
        Command::Parked(args) => verbs::parked(&args).await,
        Command::Redrive(args) => verbs::redrive(&args).await,
        Command::Refine(args) => verbs::refine(&args).await,
        Command::B3(args) => verbs::b3(&args).await,
        Command::Query(args) => verbs::query(&args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(error, "", None);
            eprintln!("ibov: {}", failure.cause);
            ExitCode::from(failure.exit.code())
        }
    }
}
