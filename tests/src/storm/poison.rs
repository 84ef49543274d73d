//! Events that must end in a dead-letter queue, and the causes that they must be parked with.

use anyhow::Result;
use chrono::{DateTime, Utc};
use harness::{
    b3_server::Day,
    stack::{Stage, dead_letters::Parked},
};
use shared::events::S3Message;

use super::{action::Action, portfolios};
use crate::aws_messages::created;

/// Number of kinds that [`poison`] makes.
pub(super) const KINDS: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Poison {
    /// The stage that parks it.
    pub(super) stage: Stage,
    /// The kind of failure that it is parked with.
    pub(super) cause: &'static str,
    /// How the storm delivers it.
    pub(super) action: Action,
}

/// The `number`th poison of a storm. The kinds take turns.
pub(super) fn poison(
    number: usize,
    day: &Day,
    fetched_at: DateTime<Utc>,
    bucket: &str,
) -> Result<Poison> {
    let date = day.date()?;
    let send = |stage, cause, body| {
        let action = Action::Send { stage, body, delay_seconds: 0 };
        Poison { stage, cause, action }
    };
    let put = |cause, key, body| {
        let action = Action::Put { key, body };
        Poison { stage: Stage::Parquet, cause, action }
    };
    let foreign = |stage, key: String| send(stage, "foreign-bucket", created("elsewhere", &[&key]));
    Ok(match number % KINDS {
        0 => send(Stage::Parquet, "unknown-event", format!("<html>{number}</html>")),
        1 => send(Stage::Glue, "unknown-event", format!(r#"{{"refine":{{"date":"{number}"}}}}"#)),
        2 => {
            let (key, body) = portfolios::unreconciled(day.clone(), fetched_at)?;
            put("quantity-total", key.to_string(), body)
        }
        3 => foreign(Stage::Parquet, format!("landing/index=IBOV/date={date}/{number}.json")),
        4 => foreign(Stage::Glue, format!("raw/date={date}/{number}.parquet")),
        5 => send(Stage::Completion, "unknown-event", format!(r#"{{"tick":{number}}}"#)),
        6 => send(Stage::Fetch, "unknown-event", format!(r#"{{"storm":{number}}}"#)),
        _ => {
            let key = format!("landing/index=IBOV/date={date}/{number}-{bucket}.json");
            put("unknown-key", key, b"{}".to_vec())
        }
    })
}

impl Poison {
    /// The message on the queue: the event itself, or S3's notification of the object.
    pub(super) fn message(&self, bucket: &str) -> String {
        match &self.action {
            Action::Send { body, .. } => body.clone(),
            Action::Put { key, .. } => created(bucket, &[key]),
            Action::Kill { .. } | Action::FailRun | Action::Redrive | Action::Tick => String::new(),
        }
    }

    /// Whether a message in a dead-letter queue stems from this event.
    pub(super) fn is(&self, parked: &Parked, bucket: &str) -> bool {
        if parked.stage != self.stage {
            return false;
        }
        match &self.action {
            Action::Send { body, .. } => *body == parked.body,
            Action::Put { key, .. } => match S3Message::parse(&parked.body, bucket) {
                Ok(S3Message::Created(objects)) => {
                    objects.iter().flatten().any(|object| object.key == *key)
                }
                Ok(S3Message::Test) | Err(_) => false,
            },
            Action::Kill { .. } | Action::FailRun | Action::Redrive | Action::Tick => false,
        }
    }
}
