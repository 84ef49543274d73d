//! A run of the job.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use shared::{aws::ETag, events::RunState};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `jr_…`.
    pub id: String,
    pub state: RunState,
    /// The `--dates` argument: ISO dates separated by commas.
    pub dates: String,
    /// The `--etags` argument: one ETag per date. Empty if a person started the run.
    pub etags: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Glue's error message.
    pub error: Option<String>,
    pub seconds: i32,
}

impl Run {
    pub fn is_active(&self) -> bool {
        matches!(self.state, RunState::Active(_))
    }

    /// The dates, each with the ETag of the raw object that the run was started for, if the arguments name one.
    pub fn started_for(&self) -> BTreeMap<NaiveDate, Option<ETag>> {
        let dates: Vec<_> = self.dates.split(',').map(str::trim).collect();
        let etags: Vec<_> = self.etags.split(',').map(ETag::new).collect();
        let known = !self.etags.is_empty() && etags.len() == dates.len();
        let etag = |place: usize| etags.get(place).filter(|_| known).cloned();
        let dates = dates.iter().enumerate();
        dates.filter_map(|(place, date)| Some((date.parse().ok()?, etag(place)))).collect()
    }

    pub fn cause(&self) -> &str {
        match (&self.error, &self.state) {
            (Some(error), _) => error,
            (None, RunState::Succeeded) => {
                "the run says that it succeeded, but did not record that it refined this date"
            }
            (None, _) => "Glue gives no reason",
        }
    }

    /// Whether this run began before `other` ended.
    pub(super) fn began_in_time_of(&self, other: &Self) -> bool {
        other.ended_at.is_none_or(|ended_at| self.started_at < ended_at)
    }
}
