//! Parking: a message that fails for good ends in its stage's dead-letter queue, unchanged and with its cause.

use anyhow::{Context as _, Result};
use e2e::{
    aws_messages, days,
    faults::{Bench, Order},
    local,
};
use futures::future::try_join_all;
use harness::{
    b3_server::Reply,
    stack::{Stage, dead_letters, dead_letters::Parked},
};

/// The largest message that SQS accepts.
const LARGEST: usize = 1024 * 1024;

/// For each stage a message that always fails, and the kind of its failure.
fn hopeless(stage: Stage) -> (String, &'static str) {
    match stage {
        Stage::Fetch => (r#"{ "index" : "SMLL" }"#.to_owned(), "not-served"),
        Stage::Parquet => ("<html>no event</html>".to_owned(), "unknown-event"),
        Stage::Glue => (r#"{"refine":{"date":"20/11/26"}}"#.to_owned(), "unknown-event"),
        Stage::Completion => {
            (aws_messages::run_ended("another_job", "jr_1", "FAILED"), "other-job")
        }
    }
}

fn attribute<'a>(parked: &'a Parked, name: &str) -> &'a str {
    parked.attribute(name).unwrap_or_default()
}

async fn only(bench: &Bench, stage: Stage) -> Result<Parked> {
    let parked = bench.parked(stage, 1).await?;
    assert_eq!(parked.len(), 1, "{parked:?}");
    parked.into_iter().next().context("counted, and gone")
}

#[test]
fn what_will_not_pass_is_parked_at_once_with_its_cause_and_its_body_untouched() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("parks-at-once").await?;
        for stage in Stage::ALL {
            let (body, kind) = hopeless(stage);
            let id = bench.stack.send(stage, &body).await?;
            let parked = only(&bench, stage).await?;
            assert_eq!(parked.body, body);
            for (name, wanted) in [
                ("stage", stage.name()),
                ("code", kind),
                ("class", "permanent"),
                ("attempts", "1"),
                ("message_id", id.as_str()),
            ] {
                assert_eq!(attribute(&parked, name), wanted, "{name} of {parked:?}");
            }
            for name in ["error", "request_id", "parked_at"] {
                assert!(!attribute(&parked, name).is_empty(), "{name} of {parked:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn what_may_pass_is_parked_on_the_last_attempt_and_not_before() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("parks-at-last", |config| config.with("MaxReceiveCount", "2"))
                .await?;
        let date = days::session(0);
        bench.order_runs(Order::Hang)?;
        bench.fetch(date).await?;
        let run = bench.running(date).await?;

        // B3 is down, and an event reports the failure of a run that is still active.
        bench.b3.reply(Reply::Html);
        bench.stack.request_fetch(None, None).await?;
        let job = bench.stack.output("GlueJobName")?;
        bench.stack.send(Stage::Completion, &aws_messages::run_ended(job, &run, "FAILED")).await?;
        for (stage, kind) in [(Stage::Fetch, "b3-html"), (Stage::Completion, "run-not-ended")] {
            let parked = only(&bench, stage).await?;
            assert_eq!(attribute(&parked, "code"), kind);
            assert_eq!(attribute(&parked, "class"), "transient");
            assert_eq!(attribute(&parked, "attempts"), "2");
        }
        assert_eq!(bench.running(date).await?, run, "it goes on");
        bench.b3.reply(Reply::Portfolio);
        bench.order_runs(Order::Succeed)?;
        bench.refined(date).await?;
        assert_eq!(bench.alerts()?.len(), 0, "alerts of a run that did not fail");
        Ok(())
    })
}

#[test]
fn a_right_that_is_missing_is_tried_again_once_and_then_parked() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("right-is-missing").await?;
        let date = days::session(0);
        let _denied = bench.deny_writing("raw/").await?;
        bench.fetch(date).await?;
        let parked = only(&bench, Stage::Parquet).await?;
        assert_eq!(attribute(&parked, "code"), "aws-access-denied");
        assert_eq!(attribute(&parked, "class"), "denied");
        assert_eq!(attribute(&parked, "attempts"), "2");
        Ok(())
    })
}

#[test]
fn a_right_that_comes_a_moment_late_parks_nothing() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("right-comes-late", |config| config.with("BackoffBase", "30"))
                .await?;
        bench.comes_again_after(60).await?;
        let date = days::session(0);
        let denied = bench.deny_writing("raw/").await?;
        bench.fetch(date).await?;
        bench
            .until("the first attempt to be denied", || async {
                let denied = "aws-access-denied";
                let log = bench.log(Stage::Parquet);
                let again = log.lines().find(|line| line.contains("it will come again"));
                Ok(again.filter(|line| line.contains(denied)).map(str::to_owned))
            })
            .await?;
        bench.allow_again(denied).await?;
        bench.refined(date).await?;
        assert_eq!(bench.dead_letters().await?, 0);
        Ok(())
    })
}

#[test]
fn a_body_that_leaves_no_room_for_the_cause_is_parked_whole() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("parks-large").await?;
        for stage in Stage::ALL {
            for free in [0, 100, 2_000] {
                bench.stack.send(stage, &"x".repeat(LARGEST - free)).await?;
            }
        }
        for stage in Stage::ALL {
            let parked = bench.parked(stage, 3).await?;
            let kind = |free: usize| {
                let of_size = parked.iter().find(|message| message.body.len() == LARGEST - free);
                of_size.map(|message| {
                    (attribute(message, "code"), attribute(message, "error").is_empty())
                })
            };
            assert_eq!(kind(0), Some(("", true)), "{stage}: no room for anything");
            assert_eq!(kind(100), Some(("unknown-event", true)), "{stage}: the shortest first");
            assert_eq!(kind(2_000), Some(("unknown-event", false)), "{stage}: room for all");
            assert!(parked.iter().all(|message| message.body.bytes().all(|byte| byte == b'x')));
        }
        Ok(())
    })
}

#[test]
fn what_cannot_be_parked_is_moved_by_sqs_itself() -> Result<()> {
    local::run(async {
        let bench =
            Bench::deploy_with("cannot-park", |config| config.with("MaxReceiveCount", "2")).await?;
        let denied = Stage::ALL.map(|stage| {
            let bench = &bench;
            async move { bench.deny_on_queue(bench.stack.dlq_url(stage)?, "sqs:SendMessage").await }
        });
        let denied = try_join_all(denied).await?;
        for stage in Stage::ALL {
            bench.stack.send(stage, &hopeless(stage).0).await?;
        }
        for stage in Stage::ALL {
            let parked = only(&bench, stage).await?;
            assert_eq!(parked.body, hopeless(stage).0);
            assert!(parked.attributes.is_empty(), "the function wrote {:?}", parked.attributes);
            let log = bench.log(stage);
            let attempts = log.lines().filter(|line| line.contains("could not be parked")).count();
            assert_eq!(attempts, 2, "{stage} says each time that it could not park:\n{log}");
        }
        // With the right restored, the function parks: only the right was missing.
        for each in denied {
            bench.allow_again(each).await?;
        }
        for stage in Stage::ALL {
            dead_letters::redrive(&bench.stack, stage).await?;
            let kind = bench
                .until("the redriven message to be parked with its cause", || async {
                    let parked = dead_letters::peek(&bench.stack, stage).await?;
                    Ok(parked.first().and_then(|one| one.attribute("code")).map(str::to_owned))
                })
                .await?;
            assert_eq!(kind, hopeless(stage).1);
        }
        Ok(())
    })
}
