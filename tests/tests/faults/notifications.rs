//! Mails about failed runs: never none, with all that a person needs, and with a command that works.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    days,
    faults::{Bench, Order},
    local,
};
use ibov::{outbox::Mail, stack::Stage};
use serde_json::Value;

const CAUSE: &str = "the raw file is damaged";

fn date() -> NaiveDate {
    days::session(0)
}

async fn alert(bench: &Bench) -> Result<Mail> {
    bench.until("the alert", || async { Ok(bench.alerts()?.pop()) }).await
}

/// The options of the command in a mail that begins like this.
fn command(mail: &Mail, beginning: &str) -> Result<HashMap<String, String>> {
    let mut lines = mail.message.lines().map(str::trim);
    let command = lines.find_map(|line| line.strip_prefix(beginning));
    let command = command.with_context(|| format!("no {beginning:?} in\n{}", mail.message))?;
    let words: Vec<&str> = command.split_whitespace().collect();
    Ok(words
        .chunks_exact(2)
        .map(|pair| (pair[0].to_owned(), pair[1].trim_matches('\'').to_owned()))
        .collect())
}

#[test]
fn an_alert_says_which_run_why_which_dates_where_to_look_and_how_to_replay() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("alert").await?;
        bench.order_runs(Order::Fail(CAUSE))?;
        bench.fetch(date()).await?;
        let alert = alert(&bench).await?;
        let run = bench.stack.runs().await?.pop().and_then(|run| run.id).context("no run")?;
        let link = format!(
            "https://us-east-1.console.aws.amazon.com/gluestudio/home?region=us-east-1#/job/alert/run/{run}"
        );
        for part in [run.as_str(), CAUSE, &format!("\n  {}\n", date()), &link] {
            assert!(alert.message.contains(part), "{part} is missing in\n{}", alert.message);
        }
        assert_eq!(alert.subject(), format!("IBOV refine FAILED: {}", date()));

        // Whoever reads it repairs the cause and types the command.
        bench.parked(Stage::Glue, 1).await?;
        bench.order_runs(Order::Succeed)?;
        let options = command(&alert, "aws sqs start-message-move-task ")?;
        assert_eq!(options["--region"], "us-east-1");
        let move_task = bench.stack.clients.sqs.start_message_move_task();
        move_task
            .source_arn(&options["--source-arn"])
            .destination_arn(&options["--destination-arn"])
            .send()
            .await?;
        bench.refined(date()).await?;
        assert_eq!(bench.dead_letters().await?, 0);
        assert_eq!((bench.alerts()?.len(), bench.completions()?.len()), (1, 1), "mails");
        Ok(())
    })
}

#[test]
fn an_alert_about_a_run_by_hand_says_how_to_start_it_again() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("alert-by-hand").await?;
        bench.fetch(date()).await?;
        bench.refined(date()).await?;
        bench.order_runs(Order::Fail(CAUSE))?;
        let by_hand = bench.stack.clients.glue.start_job_run().job_name("alert-by-hand");
        by_hand.arguments("--dates", date().to_string()).send().await?;
        let alert = alert(&bench).await?;
        bench.order_runs(Order::Succeed)?;
        let options = command(&alert, "aws glue start-job-run ")?;
        let arguments: Value = serde_json::from_str(&options["--arguments"])?;
        let again = bench.stack.clients.glue.start_job_run().job_name(&options["--job-name"]);
        let dates = arguments["--dates"].as_str().context("no dates")?;
        again.arguments("--dates", dates).send().await?;
        bench
            .until("the run to succeed", || async {
                let newest = bench.stack.runs().await?.into_iter().next();
                let state = newest.and_then(|run| run.job_run_state);
                Ok(state.filter(|state| state.as_str() == "SUCCEEDED"))
            })
            .await?;
        bench.settled().await?;
        assert_eq!((bench.runs_of(date()).await?, bench.alerts()?.len()), (3, 1));
        Ok(())
    })
}

#[test]
fn an_alert_that_could_not_be_sent_is_sent_by_the_tick() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("alert-refused").await?;
        let denied = bench.deny_publishing("AlertsTopicArn").await?;
        bench.order_runs(Order::Fail(CAUSE))?;
        bench.fetch(date()).await?;
        bench.parked(Stage::Completion, 1).await?;
        assert_eq!(bench.alerts()?.len(), 0);
        let holder = bench.lock().await?.holder.context("the run's end was forgotten")?;
        assert!(holder.dates.contains_key(&date()));
        bench.allow_again(denied).await?;

        bench.order_runs(Order::Succeed)?;
        let mail = bench.until_ticking("the alert", || async { Ok(bench.alerts()?.pop()) }).await?;
        assert!(mail.message.contains(CAUSE), "{}", mail.message);
        bench.parked(Stage::Glue, 1).await?;
        // The event of the run's end still lies there; it comes too late to change anything.
        ibov::dead_letters::redrive(&bench.stack, Stage::Completion).await?;
        ibov::dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.refined(date()).await?;
        assert_eq!((bench.alerts()?.len(), bench.completions()?.len()), (1, 1), "mails");
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}
