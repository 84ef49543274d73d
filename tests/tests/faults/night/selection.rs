//! Redriving and discarding some of the messages of a dead-letter queue.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sqs::types::MessageAttributeValue;
use e2e::{days, faults::Bench, local, operator::Operator};
use futures::future::try_join_all;
use harness::stack::{Stage, dead_letters};

/// Parks a message as a stage would, and returns its id.
pub(crate) async fn park(bench: &Bench, stage: Stage, code: &str, body: &str) -> Result<String> {
    park_with(bench, stage, &[("code", code)], body).await
}

async fn park_with(
    bench: &Bench,
    stage: Stage,
    attributes: &[(&str, &str)],
    body: &str,
) -> Result<String> {
    let queue = bench.stack.dlq_url(stage)?;
    let mut request = bench.stack.clients.sqs.send_message().queue_url(queue).message_body(body);
    for (name, value) in attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(*value);
        request = request.message_attributes(*name, value.build()?);
    }
    request.send().await?.message_id.context("no id")
}

async fn codes(bench: &Bench, stage: Stage) -> Result<Vec<String>> {
    let parked = dead_letters::peek(&bench.stack, stage).await?;
    let mut codes: Vec<_> = parked.iter().map(|parked| parked.code().to_owned()).collect();
    codes.sort();
    Ok(codes)
}

#[test]
fn only_what_is_chosen_is_redriven_or_discarded() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("night-chosen").await?;
        let operator = Operator::of("night-chosen", bench.endpoint()).await?;
        let date = days::session(0);
        bench.b3.publish("IBOV", days::small(date));
        for code in ["b3-html", "b3-html", "b3-html"] {
            park(&bench, Stage::Fetch, code, "{}").await?;
        }
        let bad = park(&bench, Stage::Fetch, "unknown-event", "nonsense").await?;

        let would = operator.sees(&["redrive", "fetch", "--kind", "b3-html", "--dry-run"]).await?;
        assert!(would.ends_with("3 would move back to the fetch queue\n"), "{would}");
        assert_eq!(
            codes(&bench, Stage::Fetch).await?.len(),
            4,
            "a dry run leaves all where they are"
        );

        let moved = operator.sees(&["redrive", "fetch", "--code", "b3-html"]).await?;
        assert!(moved.starts_with("3 moved back to the fetch queue\n"), "{moved}");
        assert_eq!(codes(&bench, Stage::Fetch).await?, ["unknown-event"]);
        bench.refined(date).await?;
        assert_eq!(bench.runs_of(date).await?, 1, "runs");

        let unasked = operator.types(&["discard", "--message", &bad]).await?;
        assert_eq!(unasked.code, Some(1));
        assert!(unasked.stderr.contains("--yes"), "nobody can be asked: {}", unasked.stderr);
        assert_eq!(codes(&bench, Stage::Fetch).await?.len(), 1, "nothing is deleted unasked");
        let done = operator.sees(&["discard", "--message", &bad, "--yes"]).await?;
        assert!(done.contains("1 deleted from the fetch dead-letter queue"), "{done}");
        assert_eq!(bench.dead_letters().await?, 0);
        let again = operator.types(&["redrive", "fetch", "--message", &bad]).await?;
        assert_eq!(again.code, Some(1), "{}", again.stdout);
        Ok(())
    })
}

#[test]
fn what_another_reader_holds_is_counted_and_said_to_be_left_behind() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("night-held").await?;
        let operator = Operator::of("night-held", bench.endpoint()).await?;
        park(&bench, Stage::Parquet, "bug", "{}").await?;
        let other_reader = bench.stack.clients.sqs.receive_message();
        let other_reader = other_reader.queue_url(bench.stack.dlq_url(Stage::Parquet)?);
        let held = other_reader.visibility_timeout(600).send().await?;
        assert_eq!(held.messages().len(), 1);

        let shown = operator.sees(&["parked", "parquet"]).await?;
        assert!(
            shown.contains("0 parked\nand about 1 more, which another reader holds"),
            "{shown}"
        );
        let moved = operator.sees(&["redrive", "parquet", "--code", "bug"]).await?;
        assert!(moved.starts_with("0 moved back to the parquet queue\n1 left behind"), "{moved}");
        let again = "then: ibov redrive parquet --code bug --stack night-held\n";
        assert!(moved.ends_with(again), "{moved}");
        Ok(())
    })
}

#[test]
fn an_id_that_stands_for_several_messages_deletes_and_sends_none_of_them() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy("night-several").await?;
        let operator = Operator::of("night-several", bench.endpoint()).await?;
        let noted = [("code", "run-failed"), ("message_id", "jr_1")];
        let first = park_with(&bench, Stage::Glue, &noted, "{}").await?;
        let second = park_with(&bench, Stage::Glue, &noted, "{}").await?;
        for words in [&["discard", "--yes"][..], &["redrive", "glue"]] {
            let refused = operator.types(&[words, &["--message", "jr_1"]].concat()).await?;
            assert_eq!(refused.code, Some(1), "{words:?}: {}", refused.stdout);
            for id in [&first, &second] {
                let choice = format!("--message {id}");
                assert!(refused.stderr.contains(&choice), "{words:?}: {}", refused.stderr);
            }
            assert_eq!(codes(&bench, Stage::Glue).await?.len(), 2, "{words:?}");
        }
        operator.sees(&["discard", "--yes", "--message", &first]).await?;
        let left = dead_letters::peek(&bench.stack, Stage::Glue).await?;
        assert_eq!(left.iter().map(|parked| &parked.id).collect::<Vec<_>>(), [&second]);
        let shown = operator.sees(&["parked", "glue", "--code", "run-failed"]).await?;
        assert!(shown.contains(&format!("  redrive or discard: --message {second}\n")), "{shown}");
        assert!(shown.contains("redrive glue --code run-failed --stack"), "{shown}");
        Ok(())
    })
}

/// A step at which the tool dies, whether the message is still parked then, and whether the stage has got it.
const STEPS: [(&str, bool, bool); 4] = [
    ("before-redrive-send", true, false),
    ("after-redrive-send", true, true),
    ("before-redrive-delete", true, true),
    ("after-redrive-delete", false, true),
];

#[test]
fn a_redrive_that_is_killed_at_any_step_loses_nothing() -> Result<()> {
    // Side by side, as each waits for a minute until the message that the dead program held can be read again.
    local::run(async {
        try_join_all(STEPS.map(|(failpoint, is_parked, is_sent)| async move {
            let killed = killed_at(failpoint, is_parked, is_sent).await;
            killed.with_context(|| format!("killed {failpoint}"))
        }))
        .await
        .map(drop)
    })
}

async fn killed_at(failpoint: &str, is_parked: bool, is_sent: bool) -> Result<()> {
    let name = format!("night-{failpoint}");
    let bench = Bench::deploy(&name).await?;
    let operator = Operator::of(&name, bench.endpoint()).await?;
    let date = days::session(0);
    bench.b3.publish("IBOV", days::small(date));
    park(&bench, Stage::Fetch, "b3-html", "{}").await?;
    operator.dies_at(failpoint)?;
    let died = operator.types(&["redrive", "fetch", "--code", "b3-html"]).await?;
    ensure!(died.code.is_none(), "it did not die: {}{}", died.stdout, died.stderr);
    let depth = dead_letters::depth(&bench.stack, Stage::Fetch).await?;
    ensure!((depth == 1) == is_parked, "{depth} parked");
    if is_sent {
        bench.refined(date).await?;
    }
    ensure!(handled(&bench) == usize::from(is_sent), "{} handled", handled(&bench));
    if is_parked {
        bench
            .until("the held message to come back", || async {
                let counts = dead_letters::counts(&bench.stack, Stage::Fetch).await?;
                Ok((counts.visible == 1).then_some(()))
            })
            .await?;
        let moved = operator.sees(&["redrive", "fetch", "--code", "b3-html"]).await?;
        ensure!(moved.starts_with("1 moved back"), "{moved}");
    }
    bench.refined(date).await?;
    ensure!(bench.dead_letters().await? == 0, "something is still parked");
    ensure!(bench.stack.keys("landing/").await?.len() == 1, "the lake is as if it had come once");
    ensure!(bench.runs_of(date).await? == 1, "more than one run");
    Ok(())
}

/// The number of fetch requests that were handled.
fn handled(bench: &Bench) -> usize {
    bench
        .log(Stage::Fetch)
        .lines()
        .filter(|line| line.contains("\"message_id\"") && line.contains("\"attempt\""))
        .count()
}
