//! The lake and the job, as this crate sees them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use shared::{
    aws::{Bucket, CallError, ETag},
    keys::FileName,
};

use crate::run::Run;

#[expect(async_fn_in_trait, reason = "nothing is spawned")]
pub trait State {
    type Bucket: Bucket;

    fn bucket(&self) -> &Self::Bucket;

    /// What raw files are called.
    fn file_name(&self) -> &FileName;

    /// The job's newest runs, the newest first.
    async fn runs(&self) -> Result<Vec<Run>, CallError>;

    /// Starts a run for these raw objects and returns its id; `None` if the job is busy, as it also is for some seconds after
    /// a run has ended. Must not be retried when the answer is lost.
    async fn start(&self, due: &BTreeMap<NaiveDate, ETag>) -> Result<Option<String>, CallError>;

    /// Waits a moment; `false` if no time is left.
    async fn pause(&self) -> bool;
}
