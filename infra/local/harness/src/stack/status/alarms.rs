//! Alarms that are on.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{aws::Service, stack::Stack};

/// An alarm in the state ALARM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Without the stack's name.
    pub name: String,
    pub since: Option<DateTime<Utc>>,
    pub reason: String,
}

/// The stack's alarms that are on. Another stack's name may begin like this one's, so its topic decides.
pub(super) async fn on(stack: &Stack) -> Result<Vec<Alarm>> {
    let (topic, prefix) = (stack.output("AlertsTopicArn")?, format!("{}-", stack.name));
    let mut found = Vec::new();
    let mut input = json!({"AlarmNamePrefix": prefix, "StateValue": "ALARM", "MaxRecords": 100});
    loop {
        let answer = stack.clients.json.call(Service::CloudWatch, "DescribeAlarms", &input).await;
        let answer = answer.context("cannot read the alarms")?;
        let alarms = answer.get("MetricAlarms").and_then(Value::as_array);
        let ours = alarms.into_iter().flatten().filter(|alarm| {
            let actions = alarm.get("AlarmActions").and_then(Value::as_array);
            actions.into_iter().flatten().any(|action| action.as_str() == Some(topic))
        });
        found.extend(ours.map(|alarm| of(alarm, &prefix)));
        match answer.get("NextToken").filter(|token| token.is_string()) {
            Some(token) => {
                if let Some(fields) = input.as_object_mut() {
                    fields.insert("NextToken".to_owned(), token.clone());
                }
            }
            None => return Ok(found),
        }
    }
}

fn of(alarm: &Value, prefix: &str) -> Alarm {
    let text = |name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or_default();
    let since = alarm.get("StateUpdatedTimestamp").and_then(Value::as_f64);
    let name = text("AlarmName");
    Alarm {
        name: name.strip_prefix(prefix).unwrap_or(name).to_owned(),
        since: since.and_then(time),
        reason: text("StateReason").to_owned(),
    }
}

fn time(seconds: f64) -> Option<DateTime<Utc>> {
    Some(DateTime::from(UNIX_EPOCH + Duration::try_from_secs_f64(seconds).ok()?))
}
