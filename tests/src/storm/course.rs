//! The course of a storm, and waiting for the pipeline to finish after it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use harness::stack::{Stage, dead_letters};
use refine::{Listing, State as _};
use tokio::time::sleep;

use super::{
    action::Action,
    field::Field,
    plan::{Event, Plan},
};
use crate::diagnosis;

/// The storm pauses above this backlog, so that kills and failures fall among events to the end.
const MOST_BACKLOG: usize = 20;
/// Number of actions between two looks at the backlog.
const GUST: usize = 10;
const AT_ONCE: usize = 6;
/// More dates than the verdict demands of the largest run.
const GATHERED_DATES: usize = 12;
const POLL: Duration = Duration::from_millis(250);
/// How long the pipeline may make no progress.
const PATIENCE: Duration = Duration::from_secs(180);
const TICK_EVERY: Duration = Duration::from_secs(2);
/// A date that still fails after this many redrives fails for a reason.
const MOST_REDRIVES: usize = 10;

/// Carries out all actions of the storm. Runs are held at first until many dates are due.
pub(super) async fn rage(field: &Field, storm: &[Action]) -> Result<()> {
    let over = AtomicBool::new(false);
    field.hold_runs()?;
    futures::try_join!(
        async {
            for gust in storm.chunks(GUST) {
                all(field, gust).await?;
                quieter(field).await?;
            }
            over.store(true, Ordering::Relaxed);
            Ok(())
        },
        gather(field, &over)
    )?;
    field.calm()
}

/// Carries out actions, several at once.
pub(super) async fn all(field: &Field, actions: &[Action]) -> Result<()> {
    let made = futures::stream::iter(actions).map(|action| field.make(action));
    made.buffer_unordered(AT_ONCE).try_collect().await
}

async fn quieter(field: &Field) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while field.backlog().await? > MOST_BACKLOG {
        if Instant::now() > deadline {
            return stuck(field, "the queues to be worked off").await;
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Releases the first run when enough dates wait behind it.
async fn gather(field: &Field, over: &AtomicBool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let runs = field.refine.runs().await?;
        let held: usize =
            runs.iter().filter(|run| run.is_active()).map(|run| run.started_for().len()).sum();
        let due = Listing::read(&field.refine).await?.due().len();
        let gathered = held > 0 && due >= held + GATHERED_DATES;
        let nothing_more = over.load(Ordering::Relaxed) && field.backlog().await? == 0;
        if gathered || nothing_more || Instant::now() > deadline {
            return field.release_runs();
        }
        sleep(POLL).await;
    }
}

/// Waits until nothing is left to do, with frequent ticks and redrives of what failed runs have parked.
pub(super) async fn rest(field: &Field, plan: &Plan) -> Result<()> {
    let mut deadline = Instant::now() + PATIENCE;
    let mut ticked = Instant::now();
    let (mut redrives, mut backlog) = (0, usize::MAX);
    loop {
        let left = field.backlog().await?;
        if left < backlog {
            deadline = Instant::now() + PATIENCE;
        }
        backlog = left;
        if backlog == 0 && field.nothing_to_refine().await? {
            match to_redrive(field, plan).await? {
                Some(stage) if redrives < MOST_REDRIVES => {
                    dead_letters::redrive(&field.stack, stage).await?;
                    redrives += 1;
                }
                Some(_) | None => return Ok(()),
            }
        } else if backlog == 0 && ticked.elapsed() > TICK_EVERY {
            field.tick().await?;
            ticked = Instant::now();
        }
        if Instant::now() > deadline {
            return stuck(field, "the pipeline to come to rest").await;
        }
        sleep(POLL).await;
    }
}

/// A stage whose dead-letter queue holds a message that is not poison.
async fn to_redrive(field: &Field, plan: &Plan) -> Result<Option<Stage>> {
    let bucket = field.stack.bucket()?;
    for stage in Stage::ALL {
        for parked in dead_letters::peek(&field.stack, stage).await? {
            let poison = plan.events.iter().any(|event| match event {
                Event::Poison(poison) => poison.is(&parked, bucket),
                Event::Portfolio(_) => false,
            });
            if !poison {
                return Ok(Some(stage));
            }
        }
    }
    Ok(None)
}

async fn stuck(field: &Field, what: &str) -> Result<()> {
    let state = diagnosis::of(&field.stack, &field.logs()).await;
    bail!("waited in vain for {what}. The stack stands like this:\n{state}")
}
