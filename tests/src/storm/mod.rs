//! A storm: many portfolios over many dates, delivered twice, late and in any order, among poison, while functions
//! are killed and Glue runs fail.
//!
//! The storm writes landing objects directly, so that S3 delivers the events, and sends copies of these events and
//! poison to the queues. After it, the pipeline is left alone except for frequent ticks and for redrives of what failed
//! runs have parked. Last, some dates get new content that a real Spark refines, and each date's events come once more.
//! Then the lake, the dead-letter queues, the runs and the mails are compared with the plan: see [`Figures`].
//!
//! The functions are built with debug assertions, which hold the failpoints. The seed decides what a storm does, but
//! not how its parts interleave.

mod action;
mod course;
mod field;
mod plan;
mod poison;
mod portfolios;
mod refined;
mod verdict;

use std::time::Instant;

use anyhow::Result;
use field::Field;
use plan::Plan;
pub use verdict::{Figures, Verdict};

#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// Number of events.
    pub events: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Storm {
    /// Runs the storm on a stack of its own, once per process.
    ///
    /// # Errors
    /// When the pipeline does not finish. The message shows the state of the stack.
    pub async fn run(self) -> Result<Verdict> {
        let field = Field::deploy().await?;
        let plan = Plan::new(self.events, self.seed, field.stack.bucket()?)?;
        let started = Instant::now();
        course::rage(&field, &plan.storm).await?;
        course::rest(&field, &plan).await?;
        field.use_spark()?;
        course::all(&field, &plan.finale).await?;
        course::rest(&field, &plan).await?;
        let runs = field.stack.runs().await?.len();
        course::all(&field, &plan.echo(field.stack.bucket()?)).await?;
        course::rest(&field, &plan).await?;
        let mut verdict = verdict::of(&field, &plan, started.elapsed()).await?;
        let for_nothing = field.stack.runs().await?.len() - runs;
        if for_nothing > 0 {
            let what = "what was refined came once more, and was refined again";
            verdict.broken.push(format!("{what}: {for_nothing} runs"));
        }
        Ok(verdict)
    }
}
