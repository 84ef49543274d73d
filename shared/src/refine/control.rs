//! What the refine state is kept in, and who runs the job: the two sides that its moves talk to.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::lock::{ClaimId, Lock};
pub use crate::events::RunState;
use crate::{
    aws::CallError,
    lake::{LandingKey, Stamp},
    portfolio::ContentHash,
};

/// What refined rows are made from: a raw file's content at some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The landing object that the raw file was made from.
    pub landing_key: LandingKey,
    /// Of the portfolio. Not always the hash in the landing key: an answer that was first refused and
    /// copied to landing/ later has the hash of its bodies there.
    pub content: ContentHash,
}

/// What lies in a date's place under `raw/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawFile {
    /// Nothing.
    Absent,
    /// A file that parquet-writer did not write. Nothing is known of its content.
    Foreign {
        /// Its URI.
        object: String,
    },
    /// A file of parquet-writer's.
    Ours(Raw),
}

/// A date's raw file, as its metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// What it holds.
    pub source: Source,
    /// The first of the landing objects that made it hold this content without a break. One that is newer
    /// than some claim says that the file has held something else since, whatever it holds now.
    pub content_since: Stamp,
}

impl Raw {
    /// The landing object's place in the order of all of them.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.source.landing_key.stamp
    }

    /// Whether whoever read the file at any time since it was `source` has read the same content.
    #[must_use]
    pub fn has_been(&self, source: &Source) -> bool {
        self.source.content == source.content && self.content_since <= source.landing_key.stamp
    }
}

/// What a date's refined rows were made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What the raw file held when it was claimed, and until the run was over.
    #[serde(flatten)]
    pub source: Source,
    /// The run that refined it.
    pub run_id: String,
    /// When the date was claimed for that run.
    #[serde(default)]
    pub claimed_at: DateTime<Utc>,
    /// When its end was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// Identifies what was read of the lock, for writing it on the condition that it has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// There is no lock object yet.
    Absent,
    /// Its ETag.
    ETag(String),
}

/// The objects of the refine state.
pub trait Control: Send + Sync {
    /// A date's raw file.
    fn raw(&self, date: NaiveDate) -> impl Future<Output = Result<RawFile, CallError>> + Send;

    /// All pendings.
    fn pendings(
        &self,
    ) -> impl Future<Output = Result<BTreeMap<NaiveDate, BTreeSet<Stamp>>, CallError>> + Send;

    /// Makes a date pending. Doing so twice is doing it once.
    fn add_pending(
        &self,
        date: NaiveDate,
        stamp: &Stamp,
    ) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Deletes a pending, if it is there.
    fn delete_pending(
        &self,
        date: NaiveDate,
        stamp: &Stamp,
    ) -> impl Future<Output = Result<(), CallError>> + Send;

    /// What a date was refined from.
    fn done(&self, date: NaiveDate)
    -> impl Future<Output = Result<Option<Done>, CallError>> + Send;

    /// Records what a date was refined from.
    fn set_done(
        &self,
        date: NaiveDate,
        done: &Done,
    ) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Forgets what a date was refined from: its refined rows are about to change, or shall.
    fn forget_done(&self, date: NaiveDate) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Whether somebody was told how a run ended.
    fn is_told(&self, run_id: &str) -> impl Future<Output = Result<bool, CallError>> + Send;

    /// Records that somebody was told how a run ended.
    fn set_told(&self, run_id: &str) -> impl Future<Output = Result<(), CallError>> + Send;

    /// The lock as it is.
    fn lock(&self) -> impl Future<Output = Result<(Lock, Version), CallError>> + Send;

    /// Writes the lock if it still is what was read as `version`, and gives its new version; `None` if it
    /// is not.
    fn write_lock(
        &self,
        lock: &Lock,
        version: &Version,
    ) -> impl Future<Output = Result<Option<Version>, CallError>> + Send;
}

/// A run of the job, as Glue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `jr_…`.
    pub id: String,
    /// How it stands.
    pub state: RunState,
    /// Its `--dates` argument: ISO dates with commas between.
    pub dates: String,
    /// Its `--claim_id` argument, if it is one of ours.
    pub claim_id: Option<ClaimId>,
    /// What Glue says went wrong.
    pub error: Option<String>,
    /// How long it ran, in seconds.
    pub seconds: i32,
}

/// The job's runs.
pub trait Runs: Send + Sync {
    /// Starts a run, exactly one or none: it must not be asked for again where the answer was lost.
    fn start(
        &self,
        claim_id: &ClaimId,
        dates: &BTreeSet<NaiveDate>,
    ) -> impl Future<Output = Result<String, CallError>> + Send;

    /// A run by its id; `None` if Glue does not know it.
    fn get(&self, run_id: &str) -> impl Future<Output = Result<Option<Run>, CallError>> + Send;

    /// The newest run that was started with a claim id.
    fn find(
        &self,
        claim_id: &ClaimId,
    ) -> impl Future<Output = Result<Option<Run>, CallError>> + Send;
}
