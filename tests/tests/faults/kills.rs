//! Functions that are killed right before or right after a side effect.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    days,
    faults::{Bench, Order},
    local,
};
use futures::future::try_join_all;
use harness::{
    b3_server::Reply,
    stack::{Stage, dead_letters},
};
use serde_json::json;
use shared::failpoint::EFFECTS;

const GONE: &str = "Utilidade Públ / Água Saneamento";
const HEIR: &str = "Mats Básicos / Mineração";

/// The course of a portfolio during which a function is killed.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Nothing else fails.
    Straight,
    /// B3's first answer is refused; the request is redriven.
    Refused,
    /// The first run dies without marking its date, which is redriven.
    RunFails,
    /// The same, but the kill happens at the redrive.
    Redriven,
    /// The content changes while it is refined.
    Changes,
    /// It waits while another date is refined.
    Waits,
    /// A forced request follows after it was refined.
    Forced,
    /// B3 is down at first.
    Down,
}

/// Each function and effect, and the course on which it is killed. Each line is one stack, which takes its kills in
/// turn.
const KILLS: &[&[(Stage, &str, Way)]] = &[
    &[
        (Stage::Fetch, "put-landing", Way::Straight),
        (Stage::Fetch, "put-rejected", Way::Refused),
        (Stage::Fetch, "park", Way::Refused),
    ],
    &[(Stage::Parquet, "put-raw", Way::Straight), (Stage::Glue, "start-run", Way::Straight)],
    &[(Stage::Glue, "empty-mark", Way::Redriven), (Stage::Glue, "forget-done", Way::Forced)],
    &[(Stage::Completion, "start-run", Way::Waits), (Stage::Completion, "start-run", Way::Changes)],
    &[
        (Stage::Completion, "publish", Way::Straight),
        (Stage::Completion, "set-told", Way::Straight),
    ],
    &[(Stage::Completion, "mark", Way::RunFails), (Stage::Completion, "set-told", Way::RunFails)],
    &[
        (Stage::Completion, "publish", Way::RunFails),
        (Stage::Completion, "park-dates", Way::RunFails),
    ],
    &[(Stage::Fetch, "postpone", Way::Down)],
];

#[test]
fn killed_before_or_after_any_effect_the_chain_completes_as_if_nothing_had_happened() -> Result<()>
{
    local::run(async {
        let lanes = KILLS.iter().enumerate().map(|(number, kills)| lane(number, kills));
        let hits: BTreeSet<String> = try_join_all(lanes).await?.into_iter().flatten().collect();
        let sides = ["before", "after"];
        let all = EFFECTS.iter().flat_map(|effect| sides.map(|side| format!("{side}-{effect}")));
        assert_eq!(hits, all.collect(), "every failpoint kills at least once");
        Ok(())
    })
}

/// Runs one stack, and returns the failpoints that killed its functions.
async fn lane(number: usize, kills: &[(Stage, &str, Way)]) -> Result<Vec<String>> {
    // The messages of a killed function come again soon after the function's timeout.
    let name = format!("kills-{number}");
    let bench = Bench::deploy_with(&name, |config| config.with("FunctionTimeout", "10")).await?;
    bench.comes_again_after(12).await?;
    let mut hits = Vec::new();
    let mut date = days::session(-4);
    for (stage, effect, way) in kills {
        for side in ["before", "after"] {
            let failpoint = format!("{side}-{effect}");
            let walked = killed_at(&bench, *stage, &failpoint, *way, date).await;
            walked.with_context(|| format!("{stage} killed {failpoint} of {date} ({way:?})"))?;
            hits.extend(bench.hits(*stage));
            date = days::session_after(days::session_after(date));
        }
    }
    Ok(hits)
}

async fn killed_at(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    way: Way,
    date: NaiveDate,
) -> Result<()> {
    let (hits, alerts) = (bench.hits(stage).len(), bench.alerts()?.len());
    // On the other courses an earlier step would hit the failpoint.
    if matches!(way, Way::Straight | Way::Refused | Way::RunFails | Way::Down) {
        bench.arm(stage, failpoint)?;
    }
    let runs = match way {
        Way::Straight => straight(bench, stage, failpoint, date).await?,
        Way::Down => down_until_killed(bench, stage, failpoint, date).await?,
        Way::Refused => refused_then_redriven(bench, date).await?,
        Way::RunFails => failed_then_redriven(bench, stage, failpoint, date, alerts).await?,
        Way::Redriven => killed_at_the_redrive(bench, stage, failpoint, date, alerts).await?,
        Way::Changes => changed_while_refined(bench, stage, failpoint, date).await?,
        Way::Waits => waiting_for_another(bench, stage, failpoint, date).await?,
        Way::Forced => refined_again(bench, stage, failpoint, date).await?,
    };
    bench.refined(date).await?;
    assert_eq!(bench.hits(stage).get(hits..), Some([failpoint.to_owned()].as_slice()), "the kill");
    assert_eq!(bench.dead_letters().await?, 0, "nothing is left in a dead-letter queue");
    assert_eq!(bench.runs_of(date).await?, runs, "runs");
    mailed(bench, failpoint, way, date)
}

/// There is always a mail, and a second one only if the kill happened between publishing and recording.
fn mailed(bench: &Bench, failpoint: &str, way: Way, date: NaiveDate) -> Result<()> {
    let subject = format!("IBOV refined: {date}");
    let mails = bench.completions()?.iter().filter(|mail| mail.subject() == subject).count();
    let expected = match way {
        Way::Changes | Way::Forced => 2,
        Way::Straight if ["after-publish", "before-set-told"].contains(&failpoint) => 2,
        Way::Straight | Way::Refused | Way::RunFails | Way::Redriven | Way::Waits | Way::Down => 1,
    };
    let most = expected + out_of_time(bench);
    assert!((expected..=most).contains(&mails), "{mails} mails about {date}, not {expected}");
    Ok(())
}

/// How often the notifier ran out of time, which on a slow machine interrupts it like a kill.
fn out_of_time(bench: &Bench) -> usize {
    bench.log(Stage::Completion).lines().filter(|line| line.contains("\"out-of-time\"")).count()
}

async fn straight(bench: &Bench, stage: Stage, failpoint: &str, date: NaiveDate) -> Result<usize> {
    bench.fetch(date).await?;
    bench.killed(stage, failpoint).await?;
    Ok(1)
}

async fn down_until_killed(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    date: NaiveDate,
) -> Result<usize> {
    bench.b3.reply(Reply::Status(503));
    let runs = straight(bench, stage, failpoint, date).await?;
    bench.b3.reply(Reply::Portfolio);
    Ok(runs)
}

async fn refused_then_redriven(bench: &Bench, date: NaiveDate) -> Result<usize> {
    const REQUEST: &str = r#"{ "segment" : "2" }"#;
    bench.b3.publish("IBOV", days::small(date));
    bench.b3.reply(Reply::WrongTotals);
    bench.stack.send(Stage::Fetch, REQUEST).await?;
    let parked = bench.parked(Stage::Fetch, 1).await?;
    bench.settled().await?;
    assert!(parked.iter().all(|message| message.body == REQUEST), "{parked:?}");
    assert!(!bench.stack.keys("rejected/").await?.is_empty(), "the answer is kept");
    bench.b3.reply(Reply::Portfolio);
    dead_letters::redrive(&bench.stack, Stage::Fetch).await?;
    Ok(1)
}

async fn failed_then_redriven(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    date: NaiveDate,
    alerts: usize,
) -> Result<usize> {
    bench.order_runs(Order::Fail("out of memory"))?;
    bench.fetch(date).await?;
    bench.killed(stage, failpoint).await?;
    bench
        .until_ticking("the failed date to be parked", || async {
            Ok((dead_letters::depth(&bench.stack, Stage::Glue).await? > 0).then_some(()))
        })
        .await?;
    bench.settled().await?;
    let mails = bench.alerts()?.len() - alerts;
    let twice = usize::from(failpoint == "after-publish");
    let most = 1 + twice + out_of_time(bench);
    assert!((1 + twice..=most).contains(&mails), "{mails} alerts");
    bench.order_runs(Order::Succeed)?;
    dead_letters::redrive(&bench.stack, Stage::Glue).await?;
    Ok(2)
}

async fn killed_at_the_redrive(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    date: NaiveDate,
    alerts: usize,
) -> Result<usize> {
    bench.order_runs(Order::FailOnce("out of memory"))?;
    bench.fetch(date).await?;
    bench.parked(Stage::Glue, 1).await?;
    bench.settled().await?;
    assert_eq!(bench.alerts()?.len(), alerts + 1, "alerts");
    bench.arm(stage, failpoint)?;
    dead_letters::redrive(&bench.stack, Stage::Glue).await?;
    bench.killed(stage, failpoint).await?;
    Ok(2)
}

async fn refined_again(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    date: NaiveDate,
) -> Result<usize> {
    bench.fetch(date).await?;
    bench.refined(date).await?;
    bench.arm(stage, failpoint)?;
    let request = json!({"refine": {"date": date, "force": true}}).to_string();
    bench.stack.send(Stage::Glue, &request).await?;
    bench.killed(stage, failpoint).await?;
    // A tick in between would start a run for which the request has to wait, and a third run would follow.
    bench
        .until("the second run", || async { Ok((bench.runs_of(date).await? == 2).then_some(())) })
        .await?;
    Ok(2)
}

async fn changed_while_refined(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    date: NaiveDate,
) -> Result<usize> {
    bench.order_runs(Order::Hang)?;
    let day = bench.fetch(date).await?;
    bench.running(date).await?;
    let left = bench.left_to_an_end();
    bench.fetch_day(&days::without_sector(day, GONE, HEIR)).await?;
    bench.is_left_to_an_end(left).await?;
    bench.arm(stage, failpoint)?;
    bench.order_runs(Order::Succeed)?;
    Ok(2)
}

async fn waiting_for_another(
    bench: &Bench,
    stage: Stage,
    failpoint: &str,
    date: NaiveDate,
) -> Result<usize> {
    let another = days::session_after(date);
    bench.order_runs(Order::Hang)?;
    bench.fetch(another).await?;
    bench.running(another).await?;
    bench.fetch_during_a_run(date).await?;
    bench.arm(stage, failpoint)?;
    bench.order_runs(Order::Succeed)?;
    bench.refined(another).await?;
    assert_eq!(bench.runs_of(another).await?, 1, "runs of the other date");
    Ok(1)
}
