//! Glue that is busy, fails, is slow or silent; runs that were started by hand; two runs at once.

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{ExecutionProperty, JobUpdate, builders::JobUpdateBuilder};
use chrono::NaiveDate;
use e2e::{
    days,
    faults::{Bench, Order},
    local,
};
use harness::stack::{Stage, dead_letters};
use serde_json::json;

fn date() -> NaiveDate {
    days::session(0)
}

fn next_date() -> NaiveDate {
    days::session(1)
}

fn fails(bench: &Bench, stage: Stage) -> bool {
    bench.log(stage).contains("it will come again")
}

#[test]
fn a_run_by_hand_only_delays_what_comes_meanwhile() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("job-is-busy").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        bench.order_runs(Order::Hang)?;
        bench.start_by_hand(&[date()]).await?;
        bench.running(date()).await?;
        bench.fetch_during_a_run(next_date()).await?;
        bench.order_runs(Order::Succeed)?;
        bench.refined_without_a_tick(next_date()).await?;
        bench.refined(next_date()).await?;
        assert_eq!((bench.runs_of(date()).await?, bench.runs_of(next_date()).await?), (2, 1));
        assert_eq!((bench.completions()?.len(), bench.alerts()?.len()), (3, 0), "mails");
        assert!(
            !fails(&bench, Stage::Glue) && !fails(&bench, Stage::Completion),
            "a message failed"
        );
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn a_job_that_is_busy_without_a_run_is_asked_again_until_it_is_ready() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("job-not-ready").await?;
        allow_runs(&bench, ALWAYS_BUSY).await?;
        bench.fetch(date()).await?;
        bench
            .until("glue-trigger to be told that the job is busy", || async {
                Ok(bench.log(Stage::Glue).contains("Glue is not ready yet").then_some(()))
            })
            .await?;
        allow_runs(&bench, 1).await?;
        bench.refined_without_a_tick(date()).await?;
        bench.refined(date()).await?;
        assert!(!fails(&bench, Stage::Glue), "the message failed");
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (1, 1));
        Ok(())
    })
}

#[test]
fn what_a_busy_job_did_not_take_is_refined_by_the_tick() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("job-never-ready").await?;
        allow_runs(&bench, ALWAYS_BUSY).await?;
        bench.fetch(date()).await?;
        bench
            .until("glue-trigger to leave the date to the tick", || async {
                let log = bench.log(Stage::Glue);
                let left = log.contains("Glue says that the job is busy; the tick starts the next");
                Ok((left && bench.stack.waiting(Stage::Glue).await? == 0).then_some(()))
            })
            .await?;
        // The tick may fail: others follow, and an alarm goes off if none succeeds.
        bench.tick().await?;
        bench
            .until("the tick to fail", || async {
                let log = bench.log(Stage::Completion);
                Ok(log.lines().any(|line| line.contains("job-busy")).then_some(()))
            })
            .await?;
        allow_runs(&bench, 1).await?;
        bench.refined(date()).await?;
        assert!(!fails(&bench, Stage::Glue), "the message failed");
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (1, 1));
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

/// With this limit every start is refused although no run is active, as in the seconds after a run has ended. Glue
/// itself would not accept it.
const ALWAYS_BUSY: i32 = -1;

/// Sets how many runs the job may have at once.
async fn allow_runs(bench: &Bench, most: i32) -> Result<()> {
    let limit = ExecutionProperty::builder().max_concurrent_runs(most).build();
    update_job(bench, |update| update.execution_property(limit)).await
}

/// Sets the timeout of the job's runs.
async fn set_timeout(bench: &Bench, minutes: i32) -> Result<()> {
    update_job(bench, |update| update.timeout(minutes)).await
}

async fn update_job(
    bench: &Bench,
    change: impl FnOnce(JobUpdateBuilder) -> JobUpdateBuilder,
) -> Result<()> {
    let (glue, name) = (&bench.stack.clients.glue, bench.stack.output("GlueJobName")?);
    let job = glue.get_job().job_name(name).send().await?.job.context("no job")?;
    let as_it_is = JobUpdate::builder()
        .set_role(job.role)
        .set_command(job.command)
        .set_non_overridable_arguments(job.non_overridable_arguments)
        .set_execution_property(job.execution_property)
        .set_timeout(job.timeout);
    glue.update_job().job_name(name).job_update(change(as_it_is).build()).send().await?;
    Ok(())
}

#[test]
fn a_run_that_takes_too_long_is_replayable() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("run-times-out").await?;
        set_timeout(&bench, 1).await?;
        bench.order_runs(Order::Hang)?;
        bench.fetch(date()).await?;
        let parked = bench.parked(Stage::Glue, 1).await?.remove(0);
        assert!(parked.cause().starts_with("TIMEOUT: "), "{parked:?}");
        let alert = bench.until("the alert", || async { Ok(bench.alerts()?.pop()) }).await?;
        assert_eq!(alert.subject(), format!("IBOV refine TIMEOUT: {}", date()));
        bench.settled().await?;
        set_timeout(&bench, 15).await?;
        bench.order_runs(Order::Succeed)?;
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.refined(date()).await?;
        assert_eq!((bench.alerts()?.len(), bench.completions()?.len()), (1, 1), "mails");
        Ok(())
    })
}

#[test]
fn an_end_that_nobody_reports_is_found_by_the_tick() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("end-unreported").await?;
        let queue = bench.close_queue(bench.stack.queue_url(Stage::Completion)?).await?;
        let dlq = bench.close_queue(bench.stack.dlq_url(Stage::Completion)?).await?;
        bench.fetch(date()).await?;
        let run = bench
            .until("the run to succeed", || async {
                let runs = bench.stack.runs().await?;
                let ended = runs.into_iter().find(|run| run.completed_on().is_some());
                Ok(ended.and_then(|run| run.id))
            })
            .await?;
        assert!(!bench.told(&run).await?, "nobody can know that the run has ended");
        assert_eq!(bench.completions()?.len(), 0);
        bench
            .until_ticking("the mail about the run", || async { Ok(bench.completions()?.pop()) })
            .await?;
        bench.allow_again(queue).await?;
        bench.allow_again(dlq).await?;
        bench.refined(date()).await?;
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (1, 1));
        Ok(())
    })
}

#[test]
fn a_run_whose_starter_died_is_not_started_again() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("starter-dies").await?;
        bench.order_runs(Order::Hang)?;
        bench.arm(Stage::Glue, "after-start-run")?;
        bench.fetch(date()).await?;
        bench.killed(Stage::Glue, "after-start-run").await?;
        bench.running(date()).await?;
        bench.is_left_to_an_end(0).await?;
        bench.order_runs(Order::Succeed)?;
        bench.refined(date()).await?;
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (1, 1));
        Ok(())
    })
}

fn forced() -> String {
    json!({"refine": {"date": date(), "force": true}}).to_string()
}

#[test]
fn a_forced_request_waits_for_the_run_that_is_active() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("forced-waits").await?;
        bench.order_runs(Order::Hang)?;
        bench.fetch(date()).await?;
        bench.running(date()).await?;
        bench.stack.send(Stage::Glue, &forced()).await?;
        bench
            .until("the request to be told to wait", || async {
                let log = bench.log(Stage::Glue);
                let waits = |line: &str| line.contains("run-active") && line.contains("come again");
                Ok(log.lines().any(waits).then_some(()))
            })
            .await?;
        bench.order_runs(Order::Succeed)?;
        bench
            .until("the second run", || async {
                Ok((bench.runs_of(date()).await? == 2).then_some(()))
            })
            .await?;
        bench.refined(date()).await?;
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (2, 2));
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn a_forced_request_that_comes_twice_refines_again_and_comes_to_rest() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("forced-twice").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        // Its function dies after starting the run, so that the request comes again when the run is over.
        bench.arm(Stage::Glue, "after-start-run")?;
        bench.stack.send(Stage::Glue, &forced()).await?;
        bench.killed(Stage::Glue, "after-start-run").await?;
        bench
            .until("the mail about the second run", || async {
                Ok((bench.completions()?.len() == 2).then_some(()))
            })
            .await?;
        bench.settled().await?;
        bench.refined(date()).await?;
        let runs = bench.runs_of(date()).await?;
        assert!((2..=3).contains(&runs), "{runs} runs");
        assert_eq!(bench.completions()?.len(), runs, "mails");
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn what_two_runs_at_once_refined_is_refined_again() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("two-at-once").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        allow_runs(&bench, 2).await?;
        bench.order_runs(Order::Hang)?;
        for _ in 0..2 {
            bench.start_by_hand(&[date()]).await?;
        }
        allow_runs(&bench, 1).await?;
        bench.order_runs(Order::Succeed)?;
        bench
            .until("a run for what nobody knows any more", || async {
                Ok((bench.runs_of(date()).await? > 3).then_some(()))
            })
            .await?;
        bench.refined(date()).await?;
        // Told first: a run may begin between the two looks.
        let runs = bench
            .until("the end of each run is told", || async {
                let told = bench.completions()?.len();
                Ok((bench.runs_of(date()).await? == told).then_some(told))
            })
            .await?;
        assert!(
            (4..=5).contains(&runs),
            "one after each of the two ends at most, not {runs} in all"
        );
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}
