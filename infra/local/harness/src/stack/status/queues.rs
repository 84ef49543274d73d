//! What waits and what is parked, by stage.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{future::try_join_all, join};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    aws::Service,
    stack::{QueueCounts, Stack, Stage, dead_letters},
};

/// SQS tells CloudWatch the ages once a minute, some minutes late.
const AGES_SINCE: TimeDelta = TimeDelta::minutes(10);
const AGE: &str = "ApproximateAgeOfOldestMessage";

/// The queue and the dead-letter queue of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageQueues {
    pub stage: String,
    pub queue: QueueCounts,
    pub parked: QueueCounts,
    /// Seconds since the oldest message was sent, some minutes ago; `None` if CloudWatch does not say.
    pub oldest_waiting_s: Option<u64>,
    pub oldest_parked_s: Option<u64>,
}

pub(super) async fn read(stack: &Stack, now: DateTime<Utc>) -> Result<Vec<StageQueues>> {
    let counts = try_join_all(Stage::ALL.map(async |stage| {
        let both = tokio::try_join!(stack.queue_counts(stage), dead_letters::counts(stack, stage))?;
        anyhow::Ok((stage, both))
    }));
    // The ages are a comfort. Without them, the counts are still worth having.
    let (counts, ages) = join!(counts, ages(stack, now));
    let ages = ages.unwrap_or_default();
    let age = |url: Result<&str>, counts: &QueueCounts| {
        // An old value may be about a message that is gone.
        (counts.total() > 0).then(|| ages.get(queue_name(url.ok()?)).copied()).flatten()
    };
    let stages = counts?.into_iter().map(|(stage, (queue, parked))| StageQueues {
        stage: stage.name().to_owned(),
        oldest_waiting_s: age(stack.queue_url(stage), &queue),
        oldest_parked_s: age(stack.dlq_url(stage), &parked),
        queue,
        parked,
    });
    Ok(stages.collect())
}

fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The age of the oldest message of each queue, in seconds.
async fn ages(stack: &Stack, now: DateTime<Utc>) -> Result<BTreeMap<String, u64>> {
    let urls = Stage::ALL.map(|stage| [stack.queue_url(stage), stack.dlq_url(stage)]);
    let urls = urls.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    let queries = urls.iter().enumerate().map(|(number, url)| {
        let dimensions = json!([{"Name": "QueueName", "Value": queue_name(url)}]);
        let metric = json!({"Namespace": "AWS/SQS", "MetricName": AGE, "Dimensions": dimensions});
        json!({"Id": format!("q{number}"), "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}})
    });
    let input = json!({
        "MetricDataQueries": queries.collect::<Vec<_>>(),
        "StartTime": (now - AGES_SINCE).timestamp(),
        "EndTime": now.timestamp(),
    });
    let answer = stack.clients.json.call(Service::CloudWatch, "GetMetricData", &input).await?;
    let results = answer.get("MetricDataResults").and_then(Value::as_array);
    let results = results.context("CloudWatch answered without results")?;
    let age = |result: &Value| {
        let number: usize = result.get("Id")?.as_str()?.strip_prefix('q')?.parse().ok()?;
        let age = Duration::try_from_secs_f64(newest(result)?).ok()?;
        Some((queue_name(urls.get(number)?).to_owned(), age.as_secs()))
    };
    Ok(results.iter().filter_map(age).collect())
}

/// The newest value of a result, in whichever order it came.
fn newest(result: &Value) -> Option<f64> {
    let list = |name: &str| result.get(name)?.as_array();
    let values = list("Timestamps")?.iter().zip(list("Values")?);
    let values = values.filter_map(|(time, value)| Some((time.as_f64()?, value.as_f64()?)));
    values.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_the_newest_value_in_whichever_order_they_come() {
        for (times, values) in [([60, 120], [0.0, 57.2]), ([120, 60], [57.2, 0.0])] {
            let result = json!({"Id": "q0", "Timestamps": times, "Values": values});
            assert_eq!(newest(&result), Some(57.2));
        }
        assert_eq!(newest(&json!({"Id": "q0", "Timestamps": [], "Values": []})), None);
    }
}
