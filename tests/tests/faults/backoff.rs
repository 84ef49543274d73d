//! Backoff: a failed message waits longer before each further attempt.

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use e2e::{
    days,
    faults::{Bench, Order},
    local,
};
use harness::stack::{Stage, dead_letters::Parked};
use serde_json::{Value, json};

/// Sends a forced request during a run that does not end, so that each of its attempts fails.
async fn fails_until_parked(bench: &Bench) -> Result<Parked> {
    let date = days::session(0);
    bench.order_runs(Order::Hang)?;
    bench.fetch(date).await?;
    bench.running(date).await?;
    let request = json!({"refine": {"date": date, "force": true}}).to_string();
    bench.stack.send(Stage::Glue, &request).await?;
    let parked = bench.parked(Stage::Glue, 1).await?;
    bench.order_runs(Order::Succeed)?;
    parked.into_iter().next().context("counted, and gone")
}

/// The time of each failed attempt, and the delay until the next one.
fn failures(bench: &Bench) -> Result<Vec<(DateTime<Utc>, Option<i64>)>> {
    let log = bench.log(Stage::Glue);
    let failed = log.lines().filter(|line| line.contains("it will come again"));
    failed
        .map(|line| {
            let line: Value = serde_json::from_str(line)?;
            let at = serde_json::from_value(line["timestamp"].clone())?;
            Ok((at, line["delay_s"].as_i64()))
        })
        .collect()
}

#[test]
fn what_failed_waits_longer_each_time() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy_with("waits-longer", |config| {
            config.with("BackoffBase", "2").with("MaxReceiveCount", "4")
        })
        .await?;
        bench.comes_again_after(600).await?;
        let parked = fails_until_parked(&bench).await?;
        assert_eq!(parked.attribute("attempts"), Some("4"));
        assert_eq!(parked.attribute("code"), Some("run-active"));
        let failures = failures(&bench)?;
        let delays: Vec<i64> = failures.iter().filter_map(|(_, delay)| *delay).collect();
        let [first, second, third] = delays.as_slice() else { panic!("{failures:?}") };
        assert!(
            (1..=2).contains(first) && (2..=4).contains(second) && (4..=8).contains(third),
            "{delays:?}"
        );
        for pair in failures.windows(2) {
            let (Some(wait), waited) = (pair[0].1, pair[1].0 - pair[0].0) else { continue };
            // The delay begins before the line is logged, and counts whole seconds.
            assert!(
                waited.num_milliseconds() > wait * 1000 - 1_000,
                "{waited} instead of {wait} s"
            );
        }
        Ok(())
    })
}

#[test]
fn a_wait_that_cannot_be_set_changes_nothing_else() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy_with("cannot-wait", |config| {
            config.with("BackoffBase", "600").with("MaxReceiveCount", "3")
        })
        .await?;
        let queue = bench.stack.queue_url(Stage::Glue)?;
        let _denied = bench.deny_on_queue(queue, "sqs:ChangeMessageVisibility").await?;
        let parked = fails_until_parked(&bench).await?;
        assert_eq!(parked.attribute("attempts"), Some("3"));
        let delays: Vec<Option<i64>> =
            failures(&bench)?.into_iter().map(|(_, delay)| delay).collect();
        assert_eq!(delays, [None, None], "the queue's own timeout brought it back");
        assert!(bench.log(Stage::Glue).contains("AccessDenied"), "the right was not asked for");
        Ok(())
    })
}
