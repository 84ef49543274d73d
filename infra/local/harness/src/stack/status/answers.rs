//! What was answered about a stack.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{
    alarms::Alarm, described::Described, lake::Lake, mail::Subscription, queues::StageQueues,
    runs::RunSummary, schedules::Schedule,
};

/// All answers; `None` where there was none, with the reason in `unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answers {
    pub stack: String,
    pub asked_at: DateTime<Utc>,
    #[serde(flatten)]
    pub described: Described,
    /// The session whose portfolio should have landed by now; `None` with the schedules off.
    pub expected: Option<NaiveDate>,
    pub lake: Option<Lake>,
    pub stages: Option<Vec<StageQueues>>,
    /// The newest first.
    pub runs: Option<Vec<RunSummary>>,
    /// Those that are on.
    pub alarms: Option<Vec<Alarm>>,
    /// Who hears of failures.
    pub mail: Option<Vec<Subscription>>,
    pub schedules: Option<Vec<Schedule>>,
    pub unknown: Vec<Unknown>,
}

/// A question that was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    pub what: &'static str,
    pub why: String,
}
