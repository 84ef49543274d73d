//! Mails about what did not happen, all-clears, and both languages.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use e2e::{
    days,
    faults::{Bench, Order},
    local,
};
use harness::{
    emulator::Mail,
    stack::{Stage, dead_letters},
};
use serde_json::Value;

const CAUSE: &str = "the raw file is damaged";

/// Sends the message of the schedule, as an evening's at 22:00 UTC.
async fn check_session(bench: &Bench, date: NaiveDate) -> Result<()> {
    let message = format!(r#"{{"session_check":"{date}T22:00:00Z"}}"#);
    bench.stack.send(Stage::Completion, &message).await?;
    Ok(())
}

fn with_subject(bench: &Bench, subject: &str) -> Result<Vec<Mail>> {
    let mut mails = bench.mails("AlertsTopicArn")?;
    mails.retain(|mail| mail.subject() == subject);
    Ok(mails)
}

async fn mail(bench: &Bench, subject: &str) -> Result<Mail> {
    bench
        .until(&format!("the mail {subject:?}"), || async {
            Ok(with_subject(bench, subject)?.pop())
        })
        .await
}

/// The description of the alarm that a mail is about.
fn description(mail: &Mail) -> Result<String> {
    let message: Value = serde_json::from_str(&mail.message)?;
    let description = message["AlarmDescription"].as_str();
    Ok(description.context("an alarm without a description")?.to_owned())
}

#[test]
fn a_missed_session_is_mailed_once_and_none_where_its_portfolio_or_a_later_one_has_landed()
-> Result<()> {
    local::run(async {
        let bench = Bench::deploy("missed").await?;
        let date = days::session(0);
        let subject = format!("IBOV missing: {date}");

        // A check that fails reaches people as any failure does, and is made up for by a redrive.
        let denied = bench.deny_publishing("AlertsTopicArn").await?;
        check_session(&bench, date).await?;
        bench.parked(Stage::Completion, 1).await?;
        assert_eq!(with_subject(&bench, &subject)?.len(), 0);
        bench.allow_again(denied).await?;
        dead_letters::redrive(&bench.stack, Stage::Completion).await?;
        let missed = mail(&bench, &subject).await?;
        for part in [
            "ibov parked fetch --stack missed --region us-east-1\n",
            "ibov fetch --stack missed --region us-east-1\n",
        ] {
            assert!(missed.message.contains(part), "{part} is missing in\n{}", missed.message);
        }
        assert_eq!(missed.attributes["severity"], "error");

        // SQS may deliver twice.
        check_session(&bench, date).await?;
        bench.quiet().await?;
        assert_eq!(with_subject(&bench, &subject)?.len(), 1);

        // As on a holiday, on which B3 answers for the next session.
        bench.fetch(days::session(2)).await?;
        bench.refined(days::session(2)).await?;
        for landed in [days::session(1), days::session(2)] {
            check_session(&bench, landed).await?;
        }
        bench.quiet().await?;
        assert!(with_subject(&bench, &format!("IBOV missing: {}", days::session(1)))?.is_empty());
        assert!(with_subject(&bench, &format!("IBOV missing: {}", days::session(2)))?.is_empty());
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn a_portuguese_stack_mails_failure_alarm_and_all_clear_and_no_all_clear_for_what_only_counts()
-> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("portuguese", |config| config.with("Language", "pt")).await?;
        let date = days::session(0);
        bench.order_runs(Order::Fail(CAUSE))?;
        bench.fetch(date).await?;
        let failed = mail(&bench, &format!("IBOV refinamento FAILED: {date}")).await?;
        for part in
            [CAUSE, "Estas datas não estão refinadas", "ibov redrive glue --stack portuguese"]
        {
            assert!(failed.message.contains(part), "{part} is missing in\n{}", failed.message);
        }
        let alarm = mail(&bench, r#"ALARM: "portuguese-glue-parked" in us-east-1"#).await?;
        let parked = description(&alarm)?;
        assert!(parked.contains("Uma mensagem não pôde ser processada"), "{parked}");
        let look = "Para investigar: ibov parked glue --stack portuguese --region us-east-1";
        assert!(parked.lines().any(|line| line == look), "{parked}");
        mail(&bench, r#"ALARM: "portuguese-glue-dlq-depth" in us-east-1"#).await?;

        bench.order_runs(Order::Succeed)?;
        dead_letters::redrive(&bench.stack, Stage::Glue).await?;
        bench.refined(date).await?;
        let clear = mail(&bench, r#"OK: "portuguese-glue-dlq-depth" in us-east-1"#).await?;
        assert!(clear.is_all_clear());
        let mut clear: Vec<_> = bench.mails("AlertsTopicArn")?;
        clear.retain(Mail::is_all_clear);
        assert_eq!(clear.len(), 1, "{clear:?}");
        assert!(!bench.completions()?.is_empty());
        Ok(())
    })
}
