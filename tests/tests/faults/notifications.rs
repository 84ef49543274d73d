//! Mails about failed runs: there always is one, it says all that a person needs, and its command works.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    aws_messages, days,
    faults::{Bench, Order},
    local,
};
use harness::{
    emulator::Mail,
    stack::{Stage, dead_letters},
};

const CAUSE: &str = "the raw file is damaged";

fn date() -> NaiveDate {
    days::session(0)
}

async fn alert(bench: &Bench) -> Result<Mail> {
    bench.until("the alert", || async { Ok(bench.alerts()?.pop()) }).await
}

/// The options of a mail's command that begins like this.
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

        // The reader repairs the cause and types the command.
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
fn while_nobody_can_be_told_dates_are_parked_once_and_the_next_ones_are_refined() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("alert-refused").await?;
        let next = days::session(1);
        bench.order_runs(Order::Hang)?;
        bench.fetch(date()).await?;
        let run = bench.running(date()).await?;
        bench.fetch_during_a_run(next).await?;
        let denied = bench.deny_publishing("AlertsTopicArn").await?;
        bench.order_runs(Order::FailOnce(CAUSE))?;
        bench.refined_without_a_tick(next).await?;
        bench.until("its mail", || async { Ok(bench.completions()?.pop()) }).await?;

        // The event about the end fails again and is parked, and so is a tick that finds the end.
        let ended = aws_messages::run_ended(bench.stack.output("GlueJobName")?, &run, "FAILED");
        bench.stack.send(Stage::Completion, &ended).await?;
        bench.tick().await?;
        bench.parked(Stage::Completion, 3).await?;
        assert!(!bench.told(&run).await?, "nobody could be told");
        let parked = bench.parked(Stage::Glue, 1).await?;
        let [parked] = parked.as_slice() else { panic!("{parked:?}") };
        assert_eq!(parked.cause(), format!("FAILED: {CAUSE}"));
        assert_eq!(bench.alerts()?.len(), 0);

        bench.allow_again(denied).await?;
        let mail = bench.until_ticking("the alert", || async { Ok(bench.alerts()?.pop()) }).await?;
        assert!(mail.message.contains(CAUSE), "{}", mail.message);
        assert_eq!(mail.subject(), format!("IBOV refine FAILED: {}", date()));
        bench.settled().await?;
        // The parked events about the run's end come too late to change anything.
        dead_letters::redrive(&bench.stack, Stage::Completion).await?;
        bench.settled().await?;
        assert_eq!(dead_letters::depth(&bench.stack, Stage::Glue).await?, 1);
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.refined(date()).await?;
        assert_eq!((bench.alerts()?.len(), bench.completions()?.len()), (1, 2), "mails");
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}
