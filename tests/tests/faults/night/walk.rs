//! From the mail to the repair, as the person on duty goes.

use anyhow::{Context as _, Result, anyhow};
use e2e::{
    days,
    faults::{Bench, Order},
    local,
    operator::{Operator, commands_in},
    python,
};
use harness::{b3_server::Reply, emulator::Mail, stack::Stage};

const WELL: Option<i32> = Some(0);
const NOT_WELL: Option<i32> = Some(1);

/// Parks at the first failure, as a local stack does.
async fn deploy(name: &str) -> Result<(Bench, Operator)> {
    let bench = Bench::deploy_with(name, |config| config.with("MaxReceiveCount", "1")).await?;
    let operator = Operator::of(name, bench.endpoint()).await?;
    Ok((bench, operator))
}

/// Waits until `ibov status` ends well.
async fn is_well(bench: &Bench, operator: &Operator) -> Result<()> {
    bench
        .until("status to be well", || async {
            let ended = operator.types(&["status"]).await?;
            Ok((ended.code == WELL).then_some(()))
        })
        .await
}

/// The lines of `ibov status` about what is not well.
async fn is_not_well(operator: &Operator) -> Result<String> {
    let ended = operator.types(&["status"]).await?;
    assert_eq!(ended.code, NOT_WELL, "{}{}", ended.stdout, ended.stderr);
    Ok(ended.stdout)
}

/// Waits for the mail whose subject begins like this.
async fn mail(bench: &Bench, subject: &str) -> Result<Mail> {
    bench
        .until(&format!("the mail {subject}"), || async {
            let mut mails = bench.mails("AlertsTopicArn")?.into_iter();
            Ok(mails.find(|mail| mail.subject().starts_with(subject)))
        })
        .await
}

/// The commands of a mail, which has so many.
fn commands<const COUNT: usize>(mail: &Mail) -> Result<[String; COUNT]> {
    let found = commands_in(mail).try_into();
    found.map_err(|found| anyhow!("{COUNT} commands wanted, {found:?} found in\n{}", mail.message))
}

#[test]
fn an_html_page_is_looked_at_and_put_right_by_the_commands_of_the_alarms_mail() -> Result<()> {
    local::run(async {
        let (bench, operator) = deploy("night-html").await?;
        let date = days::session(0);
        bench.fetch(date).await?;
        bench.refined_without_a_tick(date).await?;
        is_well(&bench, &operator).await?;

        bench.b3.reply(Reply::Html);
        bench.stack.request_fetch(None, None).await?;
        bench.parked(Stage::Fetch, 1).await?;
        let said = is_not_well(&operator).await?;
        let wanted = "✗ 1 message is parked at stage fetch\n    → see why: ibov parked fetch --stack night-html";
        assert!(said.contains(wanted), "{said}");

        let [look, repair] = commands(&mail(&bench, r#"ALARM: "night-html-fetch-parked""#).await?)?;
        mail(&bench, r#"ALARM: "night-html-fetch-dlq-depth""#).await?;
        let looked = operator.types_line(&look).await?;
        assert_eq!(looked.code, WELL, "{look}: {}", looked.stderr);
        assert!(looked.stdout.contains("fetch\tb3-html\t1\t"), "{}", looked.stdout);
        let id = looked.stdout.lines().find_map(|line| line.strip_prefix("  message_id: "));
        let id = id.context("the message has no id")?;
        let logged = operator.sees(&["logs", "fetch", "--since", "1h", "--message", id]).await?;
        assert!(logged.contains("message parked on the dead-letter queue"), "{logged}");

        bench.b3.reply(Reply::Portfolio);
        let repaired = operator.types_line(&repair).await?;
        assert!(repaired.stdout.contains("1 moved back"), "{}{}", repaired.stdout, repaired.stderr);
        is_well(&bench, &operator).await?;
        assert_eq!(bench.newest_landing(date).await?, bench.refined_from(date).await?);
        mail(&bench, r#"OK: "night-html-fetch-dlq-depth""#).await?;
        Ok(())
    })
}

#[test]
fn dates_of_a_failed_run_are_seen_and_refined_by_the_commands_of_the_runs_mail() -> Result<()> {
    local::run(async {
        let (bench, operator) = deploy("night-run").await?;
        let [alone, first, second] = [days::session(-2), days::session(-1), days::session(0)];
        // The first run hangs until two more dates wait, which the next run then takes together.
        bench.order_runs(Order::Hang)?;
        bench.fetch(alone).await?;
        bench.running(alone).await?;
        for date in [first, second] {
            bench.fetch_during_a_run(date).await?;
        }
        bench.order_runs(Order::Fail("a disk is full"))?;
        bench.parked(Stage::Glue, 3).await?;
        let failed =
            mail(&bench, &format!("IBOV refine FAILED: {first} to {second} (2 dates)")).await?;
        mail(&bench, r#"ALARM: "night-run-glue-dlq-depth""#).await?;

        let said = is_not_well(&operator).await?;
        assert!(said.contains("✗ 3 messages are parked at stage glue\n"), "{said}");
        assert!(said.contains("0 due, 3 failed") && said.contains("FAILED"), "{said}");
        let [status, look, repair] = commands(&failed)?;
        assert_eq!(operator.types_line(&status).await?.code, NOT_WELL, "{status}");
        let looked = operator.types_line(&look).await?;
        assert_eq!(looked.code, WELL, "{look}: {}", looked.stderr);
        assert!(looked.stdout.contains("glue\trun-failed\t3\t"), "{}", looked.stdout);
        let document = operator.types(&["parked", "--json"]).await?.document()?;
        assert_eq!(document["groups"][0]["code"], "run-failed");
        assert_eq!(document["groups"][0]["count"], 3);

        bench.order_runs(Order::Succeed)?;
        let repaired = operator.types_line(&repair).await?;
        assert!(repaired.stdout.contains("3 moved back"), "{}{}", repaired.stdout, repaired.stderr);
        for date in [alone, first, second] {
            bench.refined(date).await?;
        }
        is_well(&bench, &operator).await?;
        mail(&bench, r#"OK: "night-run-glue-dlq-depth""#).await?;
        Ok(())
    })
}

/// What a person does in the console.
const SWITCH: &str = r#"
import sys

import boto3

_, endpoint, stack, state = sys.argv
scheduler = boto3.client("scheduler", endpoint_url=endpoint, region_name="us-east-1",
                         aws_access_key_id="test", aws_secret_access_key="test")
name = {"Name": f"{stack}-tick", "GroupName": f"{stack}-schedules"}
schedule = scheduler.get_schedule(**name)
wanted = ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
scheduler.update_schedule(**name, State=state, **{key: schedule[key] for key in wanted})
"#;

#[test]
fn a_tick_that_is_switched_off_is_mailed_and_found_by_the_commands_of_the_mail() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy_restless("night-tick").await?;
        let operator = Operator::of("night-tick", bench.endpoint()).await?;
        let workspace = local::in_workspace("")?;
        let switch = async |state| {
            python::run(["-c", SWITCH, bench.endpoint(), "night-tick", state], &workspace).await
        };
        bench.tick().await?;
        is_well(&bench, &operator).await?;
        switch("DISABLED").await?;
        let said = is_not_well(&operator).await?;
        assert!(said.contains("✗ schedule tick is off or gone\n    → enable it"), "{said}");

        let [look, repair] = commands(&mail(&bench, r#"ALARM: "night-tick-silence""#).await?)?;
        let looked = operator.types_line(&look).await?;
        assert_eq!(looked.code, NOT_WELL, "{look}: {}", looked.stderr);
        assert!(looked.stdout.contains("✗ alarm silence is on"), "{}", looked.stdout);
        let doctor = operator.types_line(&repair).await?;
        assert_eq!(doctor.code, NOT_WELL, "{repair}: {}", doctor.stdout);
        let found = "✗ stack: schedule tick is off or gone\n    → enable it";
        assert!(doctor.stdout.contains(found), "{}", doctor.stdout);

        switch("ENABLED").await?;
        // The schedule's first, which comes once a day here.
        bench.tick().await?;
        is_well(&bench, &operator).await?;
        mail(&bench, r#"OK: "night-tick-silence""#).await?;
        let doctor = operator.sees(&["doctor"]).await?;
        for line in [
            "✓ credentials: arn:",
            "✓ logs:FilterLogEvents",
            "✓ scheduler:ListSchedules",
            "✓ B3: http://127.0.0.1:",
        ] {
            assert!(doctor.contains(line), "{line} in\n{doctor}");
        }
        Ok(())
    })
}
