//! A storm: many portfolios over many dates, delivered twice, late and in any order, among poison, while functions
//! are killed and Glue runs fail.
//!
//! Landing objects are written past the fetcher, so that S3 delivers the events; copies of what S3 delivers and
//! messages that mean nothing are sent to the queues. When the storm is over, the pipeline is left alone, but for
//! ticks that come faster than on the schedule and for redrives of what failed runs have left; last, some dates get
//! new content that a real Spark refines, and each date's events come once more. Then the lake, the dead-letter
//! queues, the runs and the mails are compared with what they have to be: see [`Figures`].
//!
//! The functions are always built with debug assertions, which hold the failpoints. What a storm does follows from
//! its seed; how its parts meet does not.

mod course;
mod field;
mod notification;
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

/// How large a storm is, and which one of its size.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// Original messages.
    pub events: usize,
    /// What is random follows from it.
    pub seed: u64,
}

impl Storm {
    /// Lets it go over a stack of its own. One process holds one storm.
    ///
    /// # Errors
    /// When the pipeline does not come to rest; the message shows how it stands.
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
