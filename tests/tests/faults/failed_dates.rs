//! Dates that a run could not refine: marked, parked, and refined again.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    aws_messages, days,
    faults::{Bench, Order},
    local,
};
use harness::stack::{Stage, dead_letters};
use serde_json::json;

const GONE: &str = "Utilidade Públ / Água Saneamento";
const HEIR: &str = "Mats Básicos / Mineração";

fn date() -> NaiveDate {
    days::session(0)
}

fn next_date() -> NaiveDate {
    days::session(1)
}

fn raw_key(date: NaiveDate) -> String {
    format!("raw/date={date}/ibov_setor.parquet")
}

#[test]
fn a_failed_run_by_hand_parks_what_is_not_refined_and_leaves_what_is() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("fails-by-hand").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        let done = format!("control/refine/done/date={}/", date());
        let before = bench.versions(&done).await?;
        bench.order_runs(Order::Hang)?;
        let run = bench.start_by_hand(&[date(), next_date()]).await?;
        bench.running(date()).await?;
        bench.fetch_during_a_run(next_date()).await?;
        bench.order_runs(Order::FailOnce("no such table"))?;
        let parked = bench.parked(Stage::Glue, 1).await?;
        let [parked] = parked.as_slice() else { panic!("{parked:?}") };
        let request = json!({"refine": {"date": next_date()}, "retry_of": run});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&parked.body)?, request);
        assert_eq!(parked.cause(), "FAILED: no such table");
        let alert = bench.until("the alert", || async { Ok(bench.alerts()?.pop()) }).await?;
        assert_eq!(alert.subject(), format!("IBOV refine FAILED: {}", next_date()));
        for part in [run.as_str(), "no such table", "redrive glue"] {
            assert!(alert.message.contains(part), "{part} is missing in\n{}", alert.message);
        }
        bench.settled().await?;
        assert_eq!(bench.versions(&done).await?, before, "what is refined stays refined");

        // The same event again changes nothing.
        let all = bench.versions("").await?;
        let job = bench.stack.output("GlueJobName")?;
        bench.stack.send(Stage::Completion, &aws_messages::run_ended(job, &run, "FAILED")).await?;
        bench.settled().await?;
        assert_eq!(bench.versions("").await?, all, "every object of the lake");
        assert_eq!((bench.dead_letters().await?, bench.alerts()?.len()), (1, 1));

        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.refined(next_date()).await?;
        assert_eq!((bench.runs_of(date()).await?, bench.runs_of(next_date()).await?), (2, 2));
        Ok(())
    })
}

#[test]
fn a_bad_raw_file_fails_alone_and_is_refined_once_it_is_good() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("one-of-three").await?;
        let (first, good, bad) = (days::session(-1), date(), next_date());
        bench.order_runs(Order::Hang)?;
        bench.fetch(first).await?;
        bench.running(first).await?;
        bench.fetch_during_a_run(good).await?;
        bench.fetch_during_a_run(bad).await?;
        bench.put(&raw_key(bad), b"PAR1 and then nothing of the sort".to_vec()).await?;
        bench.order_runs(Order::Succeed)?;

        // One run gets both dates: it refines the good one and marks the bad one.
        bench.refined_without_a_tick(good).await?;
        let parked = bench.parked(Stage::Glue, 1).await?;
        bench.settled().await?;
        bench.done_says_so(good).await?;
        let [parked] = parked.as_slice() else { panic!("{parked:?}") };
        let raw = format!("s3://{}/{}", bench.stack.bucket()?, raw_key(bad));
        assert_eq!(parked.cause(), format!("FAILED: {raw} cannot be read as Parquet"));
        assert_eq!(parked.attribute("code"), Some("run-failed"));
        let marks = bench.stack.keys(&format!("control/refine/failed/date={bad}/")).await?;
        assert_eq!(marks.len(), 1, "{marks:?}");
        let alerts = bench.alerts()?;
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert_eq!(alerts[0].subject(), format!("IBOV refine FAILED: {bad}"));
        assert_eq!((bench.runs_of(good).await?, bench.runs_of(bad).await?), (1, 1));

        // A request before the repair fails again.
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench
            .until("another alert", || async { Ok((bench.alerts()?.len() == 2).then_some(())) })
            .await?;
        bench.parked(Stage::Glue, 1).await?;

        // The landing object's event comes again: the raw file is rewritten, which makes it due.
        let landing = bench.newest_landing(bad).await?.context("no landing object")?;
        let created = aws_messages::created(bench.stack.bucket()?, &[&landing]);
        bench.stack.send(Stage::Parquet, &created).await?;
        bench.refined(bad).await?;
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.settled().await?;
        assert_eq!((bench.runs_of(good).await?, bench.runs_of(bad).await?), (1, 3));
        assert_eq!((bench.dead_letters().await?, bench.alerts()?.len()), (0, 2));
        Ok(())
    })
}

#[test]
fn what_changes_while_a_run_fails_is_refined_by_the_next_run() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("changes-and-fails").await?;
        bench.order_runs(Order::Hang)?;
        let day = bench.fetch(date()).await?;
        bench.running(date()).await?;
        let left = bench.left_to_an_end();
        bench.fetch_day(&days::without_sector(day, GONE, HEIR)).await?;
        bench.is_left_to_an_end(left).await?;
        bench.order_runs(Order::FailOnce("out of memory"))?;
        bench.refined_without_a_tick(date()).await?;
        bench.refined(date()).await?;
        assert_eq!(bench.dead_letters().await?, 0, "what the run was started for is there no more");
        assert_eq!(bench.runs_of(date()).await?, 2, "runs");
        let alerts = bench.alerts()?;
        assert_eq!((alerts.len(), bench.completions()?.len()), (1, 1), "mails");
        let words = "None of them needs anything from you";
        assert!(alerts[0].message.contains(words), "{}", alerts[0].message);
        Ok(())
    })
}
