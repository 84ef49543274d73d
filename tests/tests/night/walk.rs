//! From the mail to the repair, as the person on duty goes.

use anyhow::{Context as _, Result};
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

async fn mail_about(bench: &Bench, alarm: &str) -> Result<Mail> {
    let name = format!("\"{}-{alarm}\"", bench.stack.name);
    bench
        .until(&format!("the mail of alarm {alarm}"), || async {
            let mut mails = bench.mails("AlertsTopicArn")?.into_iter();
            Ok(mails
                .find(|mail| mail.subject().contains(&name) && mail.subject().contains("ALARM")))
        })
        .await
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

        let mail = mail_about(&bench, "fetch-parked").await?;
        let [look, repair] =
            commands_in(&mail).try_into().expect("a command to look and one to repair");
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
        Ok(())
    })
}

#[test]
fn dates_of_a_failed_run_are_seen_in_status_and_refined_by_its_commands() -> Result<()> {
    local::run(async {
        let (bench, operator) = deploy("night-run").await?;
        let dates = [days::session(-2), days::session(-1), days::session(0)];
        bench.order_runs(Order::Fail("a disk is full"))?;
        for date in dates {
            bench.fetch(date).await?;
            bench
                .until("the raw file", || async {
                    Ok(bench.stack.keys(&format!("raw/date={date}/")).await?.pop())
                })
                .await?;
        }
        bench
            .until_ticking("three parked dates", || async {
                let parked = harness::stack::dead_letters::depth(&bench.stack, Stage::Glue).await?;
                Ok((parked == dates.len()).then_some(()))
            })
            .await?;
        let said = is_not_well(&operator).await?;
        assert!(said.contains("✗ 3 messages are parked at stage glue\n"), "{said}");
        assert!(said.contains("0 due, 3 failed") && said.contains("FAILED"), "{said}");
        let document = operator.types(&["parked", "--json"]).await?.document()?;
        assert_eq!(document["groups"][0]["code"], "run-failed");
        assert_eq!(document["groups"][0]["count"], 3);

        bench.order_runs(Order::Succeed)?;
        let repaired = operator.sees(&["redrive", "glue"]).await?;
        assert!(repaired.contains("3 moved back"), "{repaired}");
        for date in dates {
            bench.refined(date).await?;
        }
        is_well(&bench, &operator).await?;
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
wanted = ("ScheduleExpression", "ScheduleExpressionTimezone", "Target")
scheduler.update_schedule(**name, State=state, FlexibleTimeWindow={"Mode": "OFF"},
                          **{key: schedule[key] for key in wanted})
"#;

#[test]
fn a_tick_that_is_switched_off_is_seen_before_anything_is_missed() -> Result<()> {
    local::run(async {
        let (bench, operator) = deploy("night-tick").await?;
        let workspace = local::in_workspace("")?;
        let switch = async |state| {
            python::run(["-c", SWITCH, bench.endpoint(), "night-tick", state], &workspace).await
        };
        is_well(&bench, &operator).await?;
        switch("DISABLED").await?;
        let said = is_not_well(&operator).await?;
        assert!(said.contains("✗ schedule tick is off or gone\n    → enable it"), "{said}");
        let doctor = operator.types(&["doctor"]).await?;
        assert_eq!(doctor.code, NOT_WELL, "{}", doctor.stdout);
        assert!(doctor.stdout.contains("✗ stack: schedule tick is off"), "{}", doctor.stdout);
        switch("ENABLED").await?;
        is_well(&bench, &operator).await?;
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
