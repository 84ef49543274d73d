//! The newest dates of the lake, and what is due.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use refine::{AwsState, Listing};
use serde::Serialize;
use shared::{keys::LandingKey, settings::Environment, values::IndexCode};

use super::described::Described;
use crate::stack::Stack;

/// The lake's dates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lake {
    /// The newest date of each kind of object.
    pub landing: Option<NaiveDate>,
    pub raw: Option<NaiveDate>,
    pub refined: Option<NaiveDate>,
    /// Raw and not refined, and no run has failed on them. The newest, if there are more than one run takes.
    pub due: BTreeSet<NaiveDate>,
    /// Raw and not refined, because a run failed on them. A parked message waits for each, unless it was discarded.
    pub failed: BTreeSet<NaiveDate>,
}

pub(super) async fn read(stack: &Stack, described: &Described) -> Result<Lake> {
    let index: IndexCode = described.parameter("IndexCode").unwrap_or("IBOV").parse()?;
    let (landing, listing) =
        tokio::try_join!(newest_landing(stack, &index), list(stack, described))?;
    let refined = |(date, etag): (&NaiveDate, _)| {
        listing.done.contains(&(*date, Clone::clone(etag))).then_some(*date)
    };
    Ok(Lake {
        landing,
        raw: listing.raw.keys().next_back().copied(),
        refined: listing.raw.iter().filter_map(refined).next_back(),
        due: listing.due().into_keys().collect(),
        failed: listing.failed_dates(),
    })
}

async fn list(stack: &Stack, described: &Described) -> Result<Listing> {
    let settings = [
        ("S3_BUCKET", stack.bucket()?),
        ("FILENAME", described.parameter("FileName").unwrap_or("ibov_setor.parquet")),
        ("GLUE_JOB_NAME", stack.output("GlueJobName")?),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = Environment::from_iter(settings);
    let state = AwsState::from_environment(&environment, &stack.clients.config)?;
    Listing::read(&state).await.context("cannot list the lake")
}

/// A history of years has thousands of landing objects: what lies under each date is not listed.
async fn newest_landing(stack: &Stack, index: &IndexCode) -> Result<Option<NaiveDate>> {
    let prefix = LandingKey::prefix_of_index(index);
    let folders = stack.folders(&prefix).await?;
    let date = |folder: &String| {
        folder.strip_prefix(&prefix)?.strip_prefix("date=")?.strip_suffix('/')?.parse().ok()
    };
    Ok(folders.iter().filter_map(date).max())
}
