//! Glue: busy, failing, too slow, or silent; runs that somebody started by hand; two at once.

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{ExecutionProperty, JobUpdate, builders::JobUpdateBuilder};
use chrono::NaiveDate;
use e2e::{
    days,
    faults::{Bench, Order},
    local, wire,
};
use ibov::{dead_letters, stack::Stage};
use serde_json::json;

const GONE: &str = "Utilidade Públ / Água Saneamento";
const HEIR: &str = "Mats Básicos / Mineração";

fn date() -> NaiveDate {
    days::session(0)
}

fn next_date() -> NaiveDate {
    days::session(1)
}

/// Starts a run as a person would.
async fn start_by_hand(bench: &Bench, dates: &[NaiveDate]) -> Result<String> {
    let job = bench.stack.output("GlueJobName")?;
    let dates: Vec<_> = dates.iter().map(ToString::to_string).collect();
    let request = bench.stack.clients.glue.start_job_run().job_name(job);
    let started = request.arguments("--dates", dates.join(",")).send().await?;
    started.job_run_id().map(str::to_owned).context("a run without an id")
}

/// Publishes the portfolio of a date while a run is active, and waits until glue-trigger has seen its raw file.
async fn fetch_during_a_run(bench: &Bench, date: NaiveDate) -> Result<()> {
    let left = bench.left_to_an_end();
    bench.fetch(date).await?;
    is_left_to_the_end(bench, left).await
}

async fn is_left_to_the_end(bench: &Bench, before: usize) -> Result<()> {
    bench
        .until("glue-trigger to leave the date to the end of the run", || async {
            Ok((bench.left_to_an_end() > before).then_some(()))
        })
        .await
}

/// Waits without a tick until a date is refined from its newest landing object.
async fn is_refined_without_a_tick(bench: &Bench, date: NaiveDate) -> Result<()> {
    bench
        .until("the date to be refined, without a tick", || async {
            let newest = bench.newest_landing(date).await?;
            Ok((newest.is_some() && bench.refined_from(date).await? == newest).then_some(()))
        })
        .await
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
        start_by_hand(&bench, &[date()]).await?;
        bench.running(date()).await?;
        fetch_during_a_run(&bench, next_date()).await?;
        bench.order_runs(Order::Succeed)?;
        is_refined_without_a_tick(&bench, next_date()).await?;
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
        is_refined_without_a_tick(&bench, date()).await?;
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
                Ok((left && bench.waiting(Stage::Glue).await? == 0).then_some(()))
            })
            .await?;
        // A tick may fail: another one comes, and an alarm goes off if none succeeds.
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

/// A limit that Glue itself would not take: every start is refused, though no run is active. So it is for some seconds
/// after a run has ended.
const ALWAYS_BUSY: i32 = -1;

/// Lets the job have so many runs at once.
async fn allow_runs(bench: &Bench, most: i32) -> Result<()> {
    let limit = ExecutionProperty::builder().max_concurrent_runs(most).build();
    update_job(bench, |update| update.execution_property(limit)).await
}

/// Lets the job's runs take so many of Glue's minutes.
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
        assert!(!bench.people_know(&run).await?, "nobody can know that the run has ended");
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
        is_left_to_the_end(&bench, 0).await?;
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
        // Its function dies once the run is started, so that the request comes again when the run is over.
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
fn a_failed_run_by_hand_parks_what_is_not_refined_and_leaves_what_is() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("fails-by-hand").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        let done = format!("control/refine/done/date={}/", date());
        let before = bench.versions(&done).await?;
        bench.order_runs(Order::Hang)?;
        let run = start_by_hand(&bench, &[date(), next_date()]).await?;
        bench.running(date()).await?;
        fetch_during_a_run(&bench, next_date()).await?;
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

        // Told again, it changes nothing.
        let all = bench.versions("").await?;
        let job = bench.stack.output("GlueJobName")?;
        bench.stack.send(Stage::Completion, &wire::run_ended(job, &run, "FAILED")).await?;
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
        fetch_during_a_run(&bench, good).await?;
        fetch_during_a_run(&bench, bad).await?;
        bench.put(&raw_key(bad), b"PAR1 and then nothing of the sort".to_vec()).await?;
        bench.order_runs(Order::Succeed)?;

        // One run has both dates: the good one is refined, the bad one is marked by the job itself.
        is_refined_without_a_tick(&bench, good).await?;
        let parked = bench.parked(Stage::Glue, 1).await?;
        bench.settled().await?;
        bench.done_says_so(good).await?;
        let [parked] = parked.as_slice() else { panic!("{parked:?}") };
        let raw = format!("s3://{}/{}", bench.stack.bucket()?, raw_key(bad));
        assert_eq!(parked.cause(), format!("FAILED: {raw} cannot be read as Parquet"));
        assert_eq!(parked.attribute("kind"), Some("run-failed"));
        let marks = bench.stack.keys(&format!("control/refine/failed/date={bad}/")).await?;
        assert_eq!(marks.len(), 1, "{marks:?}");
        let alerts = bench.alerts()?;
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert_eq!(alerts[0].subject(), format!("IBOV refine FAILED: {bad}"));
        assert_eq!((bench.runs_of(good).await?, bench.runs_of(bad).await?), (1, 1));

        // What somebody asks for before it is repaired fails again.
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench
            .until("another alert", || async { Ok((bench.alerts()?.len() == 2).then_some(())) })
            .await?;
        bench.parked(Stage::Glue, 1).await?;

        // Its landing object's event comes again: the raw file is written anew, and is due by itself.
        let landing = bench.newest_landing(bad).await?.context("no landing object")?;
        let created = wire::created(bench.stack.bucket()?, &[&landing]);
        bench.stack.send(Stage::Parquet, &created).await?;
        bench.refined(bad).await?;
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.settled().await?;
        assert_eq!((bench.runs_of(good).await?, bench.runs_of(bad).await?), (1, 3));
        assert_eq!((bench.dead_letters().await?, bench.alerts()?.len()), (0, 2));
        Ok(())
    })
}

fn raw_key(date: NaiveDate) -> String {
    format!("raw/date={date}/ibov_setor.parquet")
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
        is_left_to_the_end(&bench, left).await?;
        bench.order_runs(Order::FailOnce("out of memory"))?;
        is_refined_without_a_tick(&bench, date()).await?;
        bench.refined(date()).await?;
        assert_eq!(bench.dead_letters().await?, 0, "what the run was started for is there no more");
        assert_eq!(bench.runs_of(date()).await?, 2, "runs");
        let alerts = bench.alerts()?;
        assert_eq!((alerts.len(), bench.completions()?.len()), (1, 1), "mails");
        let words = "None of them waits for anybody";
        assert!(alerts[0].message.contains(words), "{}", alerts[0].message);
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
            start_by_hand(&bench, &[date()]).await?;
        }
        allow_runs(&bench, 1).await?;
        bench.order_runs(Order::Succeed)?;
        bench
            .until("a run for what nobody knows any more", || async {
                Ok((bench.runs_of(date()).await? > 3).then_some(()))
            })
            .await?;
        bench.refined(date()).await?;
        let runs = bench.runs_of(date()).await?;
        assert!(
            (4..=5).contains(&runs),
            "one after each of the two ends at most, not {runs} in all"
        );
        assert_eq!((bench.completions()?.len(), bench.dead_letters().await?), (runs, 0));
        Ok(())
    })
}
