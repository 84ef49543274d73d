//! Whether the stack's schedules are on.

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use crate::{aws::Service, stack::Stack};

/// A schedule of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Without the stack's name, such as `tick`.
    pub name: String,
    pub is_enabled: bool,
}

pub(super) async fn read(stack: &Stack) -> Result<Vec<Schedule>> {
    let path = format!("/schedules?MaxResults=100&ScheduleGroup={}-schedules", stack.name);
    let answer = stack.clients.json.get(Service::Scheduler, &path).await;
    let answer = answer.context("cannot read the schedules")?;
    let schedules = answer.get("Schedules").and_then(Value::as_array);
    let schedules = schedules.context("Scheduler answered without schedules")?;
    let text = |schedule: &Value, name: &str| {
        schedule.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let prefix = format!("{}-", stack.name);
    let mut found: Vec<_> = schedules
        .iter()
        .map(|schedule| {
            let name = text(schedule, "Name");
            let name = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
            Schedule { name, is_enabled: text(schedule, "State") == "ENABLED" }
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
