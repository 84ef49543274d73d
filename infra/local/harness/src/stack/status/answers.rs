//! What was answered about a stack.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Serialize, Serializer};

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
    pub what: Question,
    pub why: String,
    /// Whether AWS denied the answer: a right is missing.
    pub is_denied: bool,
}

/// A question about a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Lake,
    Queues,
    Runs,
    Alarms,
    Mail,
    Schedules,
}

impl Question {
    pub const ALL: [Self; 6] =
        [Self::Lake, Self::Queues, Self::Runs, Self::Alarms, Self::Mail, Self::Schedules];

    /// What it asks about.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lake => "the lake",
            Self::Queues => "the queues",
            Self::Runs => "the Glue runs",
            Self::Alarms => "the alarms",
            Self::Mail => "the mail subscriptions",
            Self::Schedules => "the schedules",
        }
    }

    /// The right that it takes.
    pub fn right(self) -> &'static str {
        match self {
            Self::Lake => "s3:ListBucket",
            Self::Queues => "sqs:GetQueueAttributes",
            Self::Runs => "glue:GetJobRuns",
            Self::Alarms => "cloudwatch:DescribeAlarms",
            Self::Mail => "sns:ListSubscriptionsByTopic",
            Self::Schedules => "scheduler:ListSchedules",
        }
    }
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
