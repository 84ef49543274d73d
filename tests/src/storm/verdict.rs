//! Compares the lake, queues, runs and mails after a storm with the plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use anyhow::{Context as _, Result};
use aws_sdk_glue::types::{JobRun, JobRunState};
use chrono::NaiveDate;
use harness::{
    deployment::{ALERT_EMAIL, COMPLETION_EMAIL},
    stack::{Stage, dead_letters, dead_letters::Parked},
};
use serde::Serialize;
use shared::raw;

use super::{
    field::Field,
    plan::{Event, Plan},
    portfolios::Landing,
    refined,
};
use crate::lake::{folder_of, refined_folder};

/// Failpoints at which glue-notifier dies after publishing a run's end and before recording that it did.
const BETWEEN_PUBLISHING_AND_RECORDING: [&str; 2] = ["after-publish", "before-set-told"];
/// The script under Spark prints this at its end; the fast runner does not.
const SPARKS_REPORT: &str = "partitions_written";
/// The fast runner's message for a failure that the storm scripted.
const SCRIPTED: &str = "a scripted failure";
const LEAST_LARGEST_RUN: usize = 10;

/// Numbers about a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Events, each counted once however often it was delivered: S3's notifications of landing objects, and messages
    /// that the storm sent.
    pub sent: usize,
    /// Events whose portfolio, or a newer one of the same date, is what raw and refined hold: raw byte for byte,
    /// refined row for row.
    pub in_lake: usize,
    /// Events that lie in the dead-letter queue of the stage that refused them, with the right cause.
    pub parked: usize,
    /// Events that are neither in the lake nor parked.
    pub lost: usize,
    /// Runs of the Glue job, including failed ones.
    pub runs: usize,
    /// The largest number of dates in one run.
    pub largest_run: usize,
    /// E-mails to people about failed runs. Those of alarms are not counted.
    pub mails: usize,
    /// Runs that failed. The storm scripted all of them.
    pub failures: usize,
    /// Functions that were killed.
    pub kills: usize,
    /// From the first message until the pipeline had nothing left to do.
    pub seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub figures: Figures,
    /// A sentence for each broken promise.
    pub broken: Vec<String>,
}

pub(super) async fn of(field: &Field, plan: &Plan, took: Duration) -> Result<Verdict> {
    let mut broken = Vec::new();
    let landings = plan.landings();
    let whole = whole_dates(field, &landings, &mut broken).await?;
    let parked = parked(field, plan, &mut broken).await?;
    let mut figures = Figures {
        sent: plan.events.len(),
        in_lake: 0,
        parked: 0,
        lost: 0,
        runs: 0,
        largest_run: 0,
        mails: 0,
        failures: 0,
        kills: Stage::ALL.iter().map(|stage| field.kills(*stage).len()).sum(),
        seconds: took.as_secs(),
    };
    for (number, event) in plan.events.iter().enumerate() {
        match event {
            Event::Portfolio(landing) if whole.contains(&landing.key.date) => figures.in_lake += 1,
            Event::Poison(_) if parked.contains(&number) => figures.parked += 1,
            Event::Portfolio(landing) => {
                figures.lost += 1;
                broken.push(format!("event {number} is lost: {}", landing.key));
            }
            Event::Poison(poison) => {
                figures.lost += 1;
                let (cause, body) = (poison.cause, poison.message(field.stack.bucket()?));
                broken.push(format!("event {number} is lost: it is not parked as {cause}: {body}"));
            }
        }
    }
    runs(field, &landings, &mut figures, &mut broken).await?;
    Ok(Verdict { figures, broken })
}

/// The dates whose raw file and refined rows are those of their newest landing object.
async fn whole_dates(
    field: &Field,
    landings: &BTreeMap<NaiveDate, Vec<&Landing>>,
    broken: &mut Vec<String>,
) -> Result<BTreeSet<NaiveDate>> {
    let refined = refined::rows(field).await?;
    let mut whole = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for (date, landings) in landings {
        let newest = landings.last().context("a date without landing objects")?;
        let wanted = raw::encode(&newest.portfolio, &newest.key)?;
        let raw = field.stack.read(&raw_key(*date)).await.ok();
        let rows = crate::expected::refined(&newest.day)?;
        folders.extend(rows.keys().map(|sector| refined_folder(*date, sector)));
        match (raw == Some(wanted), refined.get(date) == Some(&rows)) {
            (true, true) => {
                whole.insert(*date);
            }
            (false, _) => broken.push(format!("raw of {date} is not made from {}", newest.key)),
            (true, false) => broken.push(format!(
                "refined rows of {date} are {:?}, those of {} are {rows:?}",
                refined.get(date),
                newest.key
            )),
        }
    }
    let raw: BTreeSet<_> = field.stack.keys("raw/").await?.into_iter().collect();
    if raw != landings.keys().map(|date| raw_key(*date)).collect() {
        broken.push("raw/ holds other objects than one for each date".to_owned());
    }
    let found = field.stack.keys("refined/").await?;
    if found.iter().map(|key| folder_of(key)).collect::<BTreeSet<_>>() != folders
        || found.len() != folders.len()
        || refined.len() != landings.len()
    {
        broken.push("refined/ holds other objects than one for each date and sector".to_owned());
    }
    Ok(whole)
}

fn raw_key(date: NaiveDate) -> String {
    format!("raw/date={date}/ibov_setor.parquet")
}

/// The numbers of the events that are parked as they should be.
async fn parked(field: &Field, plan: &Plan, broken: &mut Vec<String>) -> Result<BTreeSet<usize>> {
    let mut found = BTreeSet::new();
    for stage in Stage::ALL {
        for parked in dead_letters::peek(&field.stack, stage).await? {
            match original(plan, &parked, field.stack.bucket()?) {
                Some(number) => {
                    found.insert(number);
                }
                None => broken.push(format!(
                    "{stage}: parked for no reason of the storm's: {:?} {}: {}",
                    parked.attribute("code"),
                    parked.cause(),
                    parked.body
                )),
            }
        }
    }
    Ok(found)
}

/// The event that a parked message is, if its cause is the event's.
fn original(plan: &Plan, parked: &Parked, bucket: &str) -> Option<usize> {
    plan.events.iter().position(|event| match event {
        Event::Poison(poison) => {
            poison.is(parked, bucket)
                && parked.attribute("code") == Some(poison.cause)
                && parked.attribute("error").is_some()
        }
        Event::Portfolio(_) => false,
    })
}

/// Checks runs and mails. A kill is no excuse for another run: the function that handles the message next finds the run
/// that the killed one started, or its refined rows.
async fn runs(
    field: &Field,
    landings: &BTreeMap<NaiveDate, Vec<&Landing>>,
    figures: &mut Figures,
    broken: &mut Vec<String>,
) -> Result<()> {
    let runs = field.stack.runs().await?;
    let (succeeded, failed): (Vec<_>, Vec<_>) =
        runs.iter().partition(|run| run.job_run_state() == Some(&JobRunState::Succeeded));
    figures.runs = runs.len();
    figures.failures = failed.len();
    figures.largest_run = runs.iter().map(|run| dates_of(run).len()).max().unwrap_or_default();
    for (date, landings) in landings {
        // Each landing object becomes a raw file of its own, even with equal content.
        let raw_files = landings.len();
        let refined = succeeded.iter().filter(|run| dates_of(run).contains(date)).count();
        if refined > raw_files {
            broken.push(format!("{date} was refined {refined} times for {raw_files} raw files"));
        }
    }
    let most = landings.values().map(Vec::len).sum::<usize>() + figures.failures;
    if figures.runs > most {
        broken.push(format!("{} runs, where {most} would do", figures.runs));
    }
    for error in failed.iter().map(|run| run.error_message().unwrap_or_default()) {
        if !error.contains(SCRIPTED) {
            broken.push(format!("a run failed by itself: {error}"));
        }
    }
    if figures.largest_run < LEAST_LARGEST_RUN {
        broken.push(format!("no run had more than {} dates", figures.largest_run));
    }
    mails(field, &succeeded, &failed, figures, broken)?;
    spark(field, &succeeded, broken);
    Ok(())
}

fn dates_of(run: &JobRun) -> BTreeSet<NaiveDate> {
    let dates = run.arguments().and_then(|arguments| arguments.get("--dates"));
    dates.into_iter().flat_map(|dates| dates.split(',')).flat_map(str::parse).collect()
}

fn mails(
    field: &Field,
    succeeded: &[&JobRun],
    failed: &[&JobRun],
    figures: &mut Figures,
    broken: &mut Vec<String>,
) -> Result<()> {
    let mut alerts = field.mails("AlertsTopicArn")?;
    alerts.retain(|mail| mail.to == ALERT_EMAIL && mail.subject().starts_with("IBOV refine"));
    let mut completions = field.mails("CompletionsTopicArn")?;
    completions.retain(|mail| mail.to == COMPLETION_EMAIL);
    figures.mails = alerts.len();
    for (runs, mails) in [(failed, &alerts), (succeeded, &completions)] {
        for id in runs.iter().filter_map(|run| run.id()) {
            if !mails.iter().any(|mail| mail.message.contains(id)) {
                broken.push(format!("nobody got a mail about the end of run {id}"));
            }
        }
    }
    let (deaths, ticks) = (deaths_in_between(field), ends_found_by_ticks(field));
    for (runs, mails, about) in
        [(failed, &alerts, "failures"), (succeeded, &completions, "successes")]
    {
        if mails.len() > runs.len() + deaths + ticks {
            let (mails, runs) = (mails.len(), runs.len());
            broken
                .push(format!("{mails} mails about {runs} {about}, {deaths} kills, {ticks} ticks"));
        }
    }
    Ok(())
}

/// How often glue-notifier may have died between publishing and recording: by a kill, or by Lambda's timeout on a busy
/// machine.
fn deaths_in_between(field: &Field) -> usize {
    let kills = field.kills(Stage::Completion);
    let between = |kill: &&String| BETWEEN_PUBLISHING_AND_RECORDING.contains(&kill.as_str());
    let out_of_time = r#""code":"out-of-time""#;
    kills.iter().filter(between).count() + logged(field, out_of_time)
}

/// How often a tick reported the end of a run. The event about it, handled at the same moment, reports it too.
fn ends_found_by_ticks(field: &Field) -> usize {
    logged(field, "the end of a run was found by the tick")
}

/// The number of lines of glue-notifier's log that contain a text.
fn logged(field: &Field, text: &str) -> usize {
    let log = field.logs().function(&field.stack, Stage::Completion);
    let log = fs::read_to_string(log).unwrap_or_default();
    log.lines().filter(|line| line.contains(text)).count()
}

fn spark(field: &Field, succeeded: &[&JobRun], broken: &mut Vec<String>) {
    let logs = succeeded.iter().filter_map(|run| run.id()).map(|id| field.logs().glue_run(id));
    let mut reports = logs.filter_map(|log| fs::read_to_string(log).ok());
    if !reports.any(|log| log.contains(SPARKS_REPORT)) {
        broken.push("no run was carried out by Spark".to_owned());
    }
}
