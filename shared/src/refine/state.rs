//! What the moves look at: objects in the lake, and the job's runs.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::listing::ETag;
use crate::{
    aws::{CallError, Objects},
    events::RunState,
    lake::FileName,
};

/// The lake and the job, as the moves see them.
#[expect(async_fn_in_trait, reason = "callers that spawn know the concrete types")]
pub trait State: Sync {
    /// What the lake is.
    type Lake: Objects;
    /// Where the objects lie.
    fn lake(&self) -> &Self::Lake;
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

/// A run of the job, as Glue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `jr_…`.
    pub id: String,
    /// How it stands.
    pub state: RunState,
    /// Its `--dates` argument: ISO dates with commas between.
    pub dates: String,
    /// Its `--etags` argument: the raw objects that it was started for, one for each date. Empty if a person started it.
    pub etags: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What Glue says went wrong.
    pub error: Option<String>,
    /// How long it ran, in seconds.
    pub seconds: i32,
}

impl Run {
    /// Whether it goes on, or is about to.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, RunState::Active(_))
    }

    /// Its dates, each with the raw object that it was started for, if it says so.
    #[must_use]
    pub fn started_for(&self) -> BTreeMap<NaiveDate, Option<ETag>> {
        let dates: Vec<_> = self.dates.split(',').map(str::trim).collect();
        let etags: Vec<_> = self.etags.split(',').map(ETag::new).collect();
        let known = !self.etags.is_empty() && etags.len() == dates.len();
        let etag = |place: usize| etags.get(place).filter(|_| known).cloned();
        let dates = dates.iter().enumerate();
        dates.filter_map(|(place, date)| Some((date.parse().ok()?, etag(place)))).collect()
    }

    /// Why it failed, as far as Glue knows.
    #[must_use]
    pub fn cause(&self) -> &str {
        match (&self.error, &self.state) {
            (Some(error), _) => error,
            (None, RunState::Succeeded) => {
                "the run says that it succeeded, but did not record that it refined this date"
            }
            (None, _) => "Glue gives no reason",
        }
    }

    /// Whether it began before `other` was over.
    pub(super) fn began_in_time_of(&self, other: &Self) -> bool {
        other.ended_at.is_none_or(|ended_at| self.started_at < ended_at)
    }
}
