//! The lake's raw objects and marks, and what is due.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use shared::{
    aws::{Bucket as _, CallError, ETag},
    keys::RawKey,
};

use crate::state::State;

/// Limit of dates in one run: a year and a day. With the ETags, the arguments take 16 KB.
pub const MAX_DATES: usize = 366;

const DONE: &str = "control/refine/done/";
const FAILED: &str = "control/refine/failed/";

/// The mark of a raw object that failed in a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailedMark {
    pub date: NaiveDate,
    pub etag: ETag,
    pub run_id: String,
}

impl FailedMark {
    pub fn key(&self) -> String {
        let Self { date, etag, run_id } = self;
        format!("{FAILED}date={date}/{etag}/{run_id}")
    }

    pub fn parse(key: &str) -> Option<Self> {
        let (date, rest) = dated(key, FAILED)?;
        let (etag, run_id) = rest.split_once('/')?;
        Some(Self { date, etag: ETag::new(etag), run_id: run_id.to_owned() })
    }
}

pub(super) fn done_key((date, etag): &(NaiveDate, ETag)) -> String {
    format!("{DONE}date={date}/{etag}")
}

/// `<prefix>date=2026-11-20/<rest>`.
fn dated<'key>(key: &'key str, prefix: &str) -> Option<(NaiveDate, &'key str)> {
    let (date, rest) = key.strip_prefix(prefix)?.strip_prefix("date=")?.split_once('/')?;
    Some((date.parse().ok()?, rest))
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The raw object of each date.
    pub raw: BTreeMap<NaiveDate, ETag>,
    /// Raw objects that refined rows are made from.
    pub done: BTreeSet<(NaiveDate, ETag)>,
    /// Non-empty marks.
    pub failed: BTreeSet<FailedMark>,
}

impl Listing {
    pub async fn read(state: &impl State) -> Result<Self, CallError> {
        let (mut listing, bucket) = (Self::default(), state.bucket());
        for object in bucket.list(RawKey::PREFIX, None).await? {
            if let Ok(RawKey { date, file_name }) = object.key.parse()
                && file_name == *state.file_name()
            {
                listing.raw.insert(date, object.etag);
            }
        }
        let done = bucket.list(DONE, None).await?;
        let done = done.iter().filter_map(|object| dated(&object.key, DONE));
        listing.done = done.map(|(date, etag)| (date, ETag::new(etag))).collect();
        let failed = bucket.list(FAILED, None).await?;
        let failed = failed.iter().filter(|object| !object.is_empty);
        listing.failed = failed.filter_map(|object| FailedMark::parse(&object.key)).collect();
        Ok(listing)
    }

    /// Dates without refined rows, whose raw object of now has failed in a run.
    pub fn failed_dates(&self) -> BTreeSet<NaiveDate> {
        let holds = |mark: &&FailedMark| self.raw.get(&mark.date) == Some(&mark.etag);
        let failed: BTreeSet<_> = self.failed.iter().filter(holds).map(|mark| mark.date).collect();
        self.unrefined().map(|(date, _)| date).filter(|date| failed.contains(date)).collect()
    }

    /// The raw objects for the next run. If there are more than [`MAX_DATES`], the newest, since people wait for those.
    pub fn due(&self) -> BTreeMap<NaiveDate, ETag> {
        let held: BTreeSet<_> = self.failed.iter().map(|mark| (mark.date, &mark.etag)).collect();
        let due = self.unrefined().filter(|(date, etag)| !held.contains(&(*date, *etag)));
        due.rev().take(MAX_DATES).map(|(date, etag)| (date, etag.clone())).collect()
    }

    /// Raw objects without refined rows.
    pub(super) fn unrefined(&self) -> impl DoubleEndedIterator<Item = (NaiveDate, &ETag)> {
        let raw = self.raw.iter().map(|(date, etag)| (*date, etag));
        raw.filter(|(date, etag)| !self.done.contains(&(*date, (*etag).clone())))
    }

    /// The marks of a run that hold back a date: those whose raw object has not been replaced.
    pub fn held_by(&self, run_id: &str) -> Vec<FailedMark> {
        let holds = |mark: &&FailedMark| self.raw.get(&mark.date) == Some(&mark.etag);
        self.failed.iter().filter(|mark| mark.run_id == run_id).filter(holds).cloned().collect()
    }
}
