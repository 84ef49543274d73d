//! What an interrupted run left undone: a lake that is kept outlives the queues whose messages would have gone on.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use serde_json::json;
use shared::{
    keys::{LandingKey, RawKey},
    raw::RawMetadata,
    values::IndexCode,
};

use crate::{
    aws::explain,
    journey::{Snapshot, Tracker},
    stack::{Stack, Stage},
};

const DONE: &str = "control/refine/done/";
const TICK: &str = r#"{"tick": true}"#;
const POLL: Duration = Duration::from_millis(150);
/// A date that has a raw file is fetched anew only within B3's next sessions, so that newer answers can lack their raw
/// file among these dates only.
const DATES_FETCHED_ANEW: usize = 20;

/// Dates whose rows are not those of their newest answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Answers that have no raw file.
    landing: Vec<LandingKey>,
    /// Raw files that were not refined.
    raw: BTreeSet<NaiveDate>,
}

impl Unfinished {
    pub async fn find(stack: &Stack, index: &IndexCode) -> Result<Self> {
        let mut newest = BTreeMap::new();
        for key in stack.keys(&LandingKey::prefix_of_index(index)).await? {
            let key: LandingKey = key.parse()?;
            // In the order of the keys, which is that of the times.
            newest.insert(key.date, key);
        }
        let mut raw = BTreeMap::new();
        for (key, etag) in stack.etags(RawKey::PREFIX).await? {
            raw.insert(key.parse::<RawKey>()?.date, (key, etag));
        }
        let done: HashSet<String> = stack.keys(DONE).await?.into_iter().collect();
        let mut unfinished = Self::default();
        for (position, (date, landing)) in newest.into_iter().rev().enumerate() {
            let written = match raw.get(&date) {
                None => false,
                Some((key, _)) if position < DATES_FETCHED_ANEW => {
                    source(stack, key).await?.is_some_and(|source| source >= landing.stamp)
                }
                Some(_) => true,
            };
            if !written {
                unfinished.landing.push(landing);
            }
        }
        unfinished.raw = raw
            .into_iter()
            .filter(|(date, (_, etag))| !done.contains(&format!("{DONE}date={date}/{etag}")))
            .map(|(date, _)| date)
            .collect();
        Ok(unfinished)
    }

    pub fn is_empty(&self) -> bool {
        self.landing.is_empty() && self.raw.is_empty()
    }

    pub fn dates(&self) -> BTreeSet<NaiveDate> {
        self.landing.iter().map(|key| key.date).chain(self.raw.iter().copied()).collect()
    }

    /// Sends the messages that are missing, and waits until nothing is left undone.
    ///
    /// # Errors
    /// A [`crate::failure::Failure`] as soon as a message is parked, a run fails, or an alert is mailed.
    pub async fn finish(
        &self,
        stack: &Stack,
        index: &IndexCode,
        tracker: &Tracker<'_>,
        before: &Snapshot,
    ) -> Result<()> {
        for key in &self.landing {
            stack.send(Stage::Parquet, &created(stack.bucket()?, key)).await?;
        }
        if !self.raw.is_empty() {
            stack.send(Stage::Completion, TICK).await?;
        }
        // The last run's mail is awaited too, lest it be taken for that of the next portfolio.
        while !Self::find(stack, index).await?.is_empty() || !tracker.is_idle(before).await? {
            tracker.fail_if_anything_failed(before).await?;
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// The stamp of the answer that a raw file was made from.
async fn source(stack: &Stack, raw_key: &str) -> Result<Option<shared::keys::Stamp>> {
    let request = stack.clients.s3.head_object().bucket(stack.bucket()?).key(raw_key);
    let head = request.send().await.map_err(explain);
    let head = head.with_context(|| format!("cannot look at {raw_key}"))?;
    let metadata = head.metadata.unwrap_or_default();
    Ok(RawMetadata::parse(&metadata).map(|metadata| metadata.landing.stamp))
}

/// S3's message about a new object, as far as functions read it.
fn created(bucket: &str, key: &LandingKey) -> String {
    let key = key.to_string().replace('=', "%3D");
    json!({"Records": [{
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
    }]})
    .to_string()
}
