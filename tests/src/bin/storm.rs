//! Runs a storm on a local stack and prints its figures.
//!
//! `cargo run --release -p e2e --bin storm -- --events 2000 --seed 7 --json` prints one JSON object, whose fields are
//! those of [`e2e::storm::Figures`], and fails if a promise is broken.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use e2e::{local, storm::Storm};

/// A storm of events over the pipeline: twice, late, shuffled, poisoned, while functions are killed and runs fail.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many original messages.
    #[arg(long, default_value_t = 2000)]
    events: usize,
    /// Which storm of that size.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Print one JSON object on standard output, and everything else on standard error.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let Arguments { events, seed, json } = Arguments::parse();
    let verdict = local::run(Storm { events, seed }.run())?;
    if json {
        println!("{}", serde_json::to_string(&verdict.figures)?);
    } else {
        println!("{:#?}", verdict.figures);
    }
    for promise in &verdict.broken {
        eprintln!("broken: {promise}");
    }
    Ok(if verdict.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
