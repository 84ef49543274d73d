//! Glue: busy, failing, too slow, or silent.

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::JobUpdate;
use chrono::NaiveDate;
use e2e::{
    days,
    faults::{Bench, Order},
    local, wire,
};
use ibov::{dead_letters, stack::Stage};
use serde_json::json;

fn date() -> NaiveDate {
    days::session(0)
}

/// Starts a run as a person would, without a claim.
async fn start_by_hand(bench: &Bench) -> Result<String> {
    let job = bench.stack.output("GlueJobName")?;
    let request = bench.stack.clients.glue.start_job_run().job_name(job);
    let started = request.arguments("--dates", date().to_string()).send().await?;
    started.job_run_id().map(str::to_owned).context("a run without an id")
}

#[test]
fn a_busy_job_only_delays() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("job-is-busy").await?;
        bench.order_runs(Order::Hang)?;
        start_by_hand(&bench).await?;
        bench.fetch(date()).await?;
        bench
            .until("glue-trigger to be told that the job is busy", || async {
                let log = bench.log(Stage::Glue);
                Ok(log.contains("ConcurrentRunsExceededException").then_some(()))
            })
            .await?;
        bench
            .until("the lock to be free, since no run was started", || async {
                Ok(bench.lock().await?.holder.is_none().then_some(()))
            })
            .await?;
        bench.order_runs(Order::Succeed)?;
        bench.refined(date()).await?;
        assert_eq!(bench.runs_of(date()).await?, 2, "one by hand, one of ours");
        assert_eq!(bench.dead_letters().await?, 0);
        assert_eq!(bench.completions()?.len(), 1, "the run by hand is its starter's business");
        assert_eq!(bench.alerts()?.len(), 0);
        Ok(())
    })
}

#[test]
fn a_run_that_takes_too_long_is_replayable() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("run-times-out").await?;
        let usual = set_timeout(&bench, Some(1)).await?;
        bench.order_runs(Order::Hang)?;
        bench.fetch(date()).await?;
        let parked = bench.parked(Stage::Glue, 1).await?.remove(0);
        assert!(parked.cause().starts_with("TIMEOUT: "), "{parked:?}");
        let alert = bench.alerts()?.pop().context("no alert")?;
        assert_eq!(alert.subject(), format!("IBOV refine TIMEOUT: {}", date()));
        bench.settled().await?;
        set_timeout(&bench, usual).await?;
        bench.order_runs(Order::Succeed)?;
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.refined(date()).await?;
        assert_eq!((bench.alerts()?.len(), bench.completions()?.len()), (1, 1), "mails");
        Ok(())
    })
}

/// Lets the job's runs take so many of Glue's minutes, and says how many they took before.
async fn set_timeout(bench: &Bench, minutes: Option<i32>) -> Result<Option<i32>> {
    let (glue, name) = (&bench.stack.clients.glue, bench.stack.output("GlueJobName")?);
    let job = glue.get_job().job_name(name).send().await?.job.context("no job")?;
    let update = JobUpdate::builder()
        .set_role(job.role)
        .set_command(job.command)
        .set_non_overridable_arguments(job.non_overridable_arguments)
        .set_execution_property(job.execution_property)
        .set_timeout(minutes);
    glue.update_job().job_name(name).job_update(update.build()).send().await?;
    Ok(job.timeout)
}

#[test]
fn an_end_that_nobody_reports_is_found_by_the_tick() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("end-unreported").await?;
        let queue = bench.close_queue(bench.stack.queue_url(Stage::Completion)?).await?;
        let dlq = bench.close_queue(bench.stack.dlq_url(Stage::Completion)?).await?;
        bench.fetch(date()).await?;
        let run = bench.running(date()).await?;
        bench
            .until("the run to succeed", || async {
                let runs = bench.stack.runs().await?;
                let ended = runs.iter().find(|run| run.completed_on().is_some());
                Ok(ended.map(|_| ()))
            })
            .await?;
        assert_eq!(bench.running(date()).await?, run, "nobody knows that the run has ended");
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
fn an_end_that_comes_before_the_start_was_recorded_is_recognised_by_its_claim() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("end-before-start").await?;
        bench.order_runs(Order::Hang)?;
        bench.arm(Stage::Glue, "after-start-run")?;
        bench.fetch(date()).await?;
        bench.killed(Stage::Glue, "after-start-run").await?;
        let holder = bench.lock().await?.holder.context("nobody holds the lock")?;
        assert_eq!(holder.run_id, None, "the run's id was recorded");
        bench.order_runs(Order::Succeed)?;
        bench.until("the mail about the run", || async { Ok(bench.completions()?.pop()) }).await?;
        bench.refined(date()).await?;
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (1, 1));
        Ok(())
    })
}

#[test]
fn a_request_to_refine_again_that_comes_twice_is_answered_once() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("forced-twice").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        // Its function dies once the run is started, so that the request comes again when the run is over.
        bench.arm(Stage::Glue, "after-start-run")?;
        let request = json!({"refine": {"date": date(), "force": true}}).to_string();
        bench.stack.send(Stage::Glue, &request).await?;
        bench.killed(Stage::Glue, "after-start-run").await?;
        bench
            .until("the mail about the second run", || async {
                Ok((bench.completions()?.len() == 2).then_some(()))
            })
            .await?;
        bench.settled().await?;
        let refused = bench.log(Stage::Glue).contains("content already refined");
        assert!(refused, "the request came again, and was answered already");
        assert_eq!((bench.runs_of(date()).await?, bench.completions()?.len()), (2, 2));
        Ok(())
    })
}

#[test]
fn a_failed_run_that_nobody_claimed_is_mailed_and_changes_nothing() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("fails-by-hand").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        let before = bench.versions("").await?;
        bench.order_runs(Order::Fail("no such table"))?;
        let run = start_by_hand(&bench).await?;
        let alert = bench.until("the alert", || async { Ok(bench.alerts()?.pop()) }).await?;
        bench.settled().await?;
        for part in [run.as_str(), "no such table", &date().to_string(), "aws glue start-job-run"] {
            assert!(alert.message.contains(part), "{part} is missing in\n{}", alert.message);
        }
        let job = bench.stack.output("GlueJobName")?;
        bench.stack.send(Stage::Completion, &wire::run_ended(job, &run, "FAILED")).await?;
        bench.settled().await?;
        let mut after = bench.versions("").await?;
        assert!(after.remove(&format!("control/refine/told/{run}")).is_some(), "who was told");
        assert_eq!(after, before, "every other object of the lake");
        assert_eq!(bench.dead_letters().await?, 0);
        assert_eq!((bench.alerts()?.len(), bench.stack.runs().await?.len()), (1, 2));
        Ok(())
    })
}
