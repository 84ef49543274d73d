//! The lake and the job, as needed by this crate.

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

    /// The name of raw files.
    fn file_name(&self) -> &FileName;

    /// The job's latest runs, newest first.
    async fn runs(&self) -> Result<Vec<Run>, CallError>;

    /// Starts a run for these raw objects and returns its id. `None` if the job is busy, which also happens for some
    /// seconds after the end of a run. Must not be retried when the answer is lost.
    async fn start(&self, due: &BTreeMap<NaiveDate, ETag>) -> Result<Option<String>, CallError>;

    /// Waits a moment; `false` if no time is left.
    async fn pause(&self) -> bool;
}
