//! What lies in the lake, and what is due.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::NaiveDate;

use super::state::State;
use crate::{
    aws::{CallError, Objects as _},
    lake::RawKey,
};

/// The most dates of one run: a year and a day. With their ETags they are 16 KB of arguments.
pub const MAX_DATES: usize = 366;

const DONE: &str = "control/refine/done/";
const FAILED: &str = "control/refine/failed/";

/// A version of a raw object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ETag(String);

impl ETag {
    /// Without quotes.
    #[must_use]
    pub fn new(said: &str) -> Self {
        Self(said.to_owned())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A raw object failed in a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The raw object's date.
    pub date: NaiveDate,
    /// Its version.
    pub etag: ETag,
    /// The run.
    pub run_id: String,
}

impl Mark {
    /// Where it lies.
    #[must_use]
    pub fn key(&self) -> String {
        let Self { date, etag, run_id } = self;
        format!("{FAILED}date={date}/{etag}/{run_id}")
    }

    /// The mark with this key.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (date, rest) = dated(key, FAILED)?;
        let (etag, run_id) = rest.split_once('/')?;
        Some(Self { date, etag: ETag::new(etag), run_id: run_id.to_owned() })
    }
}

/// Where it is recorded what refined rows are made of.
pub(super) fn done_key((date, etag): &(NaiveDate, ETag)) -> String {
    format!("{DONE}date={date}/{etag}")
}

/// `<prefix>date=2026-11-20/<rest>`.
fn dated<'key>(key: &'key str, prefix: &str) -> Option<(NaiveDate, &'key str)> {
    let (date, rest) = key.strip_prefix(prefix)?.strip_prefix("date=")?.split_once('/')?;
    Some((date.parse().ok()?, rest))
}

/// What lies in the lake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each date's raw object.
    pub raw: BTreeMap<NaiveDate, ETag>,
    /// The raw objects that refined rows are made of.
    pub done: BTreeSet<(NaiveDate, ETag)>,
    /// The marks that are not empty.
    pub failed: BTreeSet<Mark>,
}

impl Listing {
    /// Lists everything.
    ///
    /// # Errors
    /// If S3 does not say.
    pub async fn read(state: &impl State) -> Result<Self, CallError> {
        let (mut seen, lake) = (Self::default(), state.lake());
        for object in lake.list(RawKey::PREFIX).await? {
            if let Ok(RawKey { date, file_name }) = object.key.parse()
                && file_name == *state.file_name()
            {
                seen.raw.insert(date, ETag(object.etag));
            }
        }
        let done = lake.list(DONE).await?;
        let done = done.iter().filter_map(|object| dated(&object.key, DONE));
        seen.done = done.map(|(date, etag)| (date, ETag::new(etag))).collect();
        let failed = lake.list(FAILED).await?;
        let standing = failed.iter().filter(|object| !object.is_empty);
        seen.failed = standing.filter_map(|object| Mark::parse(&object.key)).collect();
        Ok(seen)
    }

    /// What one run is started for: the newest dates first, which people wait for.
    #[must_use]
    pub fn due(&self) -> BTreeMap<NaiveDate, ETag> {
        let held: BTreeSet<_> = self.failed.iter().map(|mark| (mark.date, &mark.etag)).collect();
        let due = self.unrefined().filter(|(date, etag)| !held.contains(&(*date, *etag)));
        due.rev().take(MAX_DATES).map(|(date, etag)| (date, etag.clone())).collect()
    }

    /// Raw objects that no refined rows are made of.
    pub(super) fn unrefined(&self) -> impl DoubleEndedIterator<Item = (NaiveDate, &ETag)> {
        let raw = self.raw.iter().map(|(date, etag)| (*date, etag));
        raw.filter(|(date, etag)| !self.done.contains(&(*date, (*etag).clone())))
    }

    /// The marks of a run that hold a date back: those of raw objects that are still there.
    #[must_use]
    pub fn held_by(&self, run_id: &str) -> Vec<Mark> {
        let holds = |mark: &&Mark| self.raw.get(&mark.date) == Some(&mark.etag);
        self.failed.iter().filter(|mark| mark.run_id == run_id).filter(holds).cloned().collect()
    }
}
