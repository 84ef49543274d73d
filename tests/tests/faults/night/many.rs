//! A thousand parked messages.

use std::collections::BTreeSet;

use anyhow::Result;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use e2e::{days, faults::Bench, local, operator::Operator};
use harness::stack::Stage;
use serde_json::Value;

const MESSAGES: usize = 1_000;
const BATCH: usize = 10;

async fn park(bench: &Bench) -> Result<()> {
    let code = MessageAttributeValue::builder().data_type("String").string_value("b3-html");
    let code = code.build()?;
    for _ in 0..MESSAGES / BATCH {
        let entries = (0..BATCH).map(|number| {
            let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
            entry.message_body("{}").message_attributes("code", code.clone()).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = bench.stack.clients.sqs.send_message_batch();
        let request = request.queue_url(bench.stack.dlq_url(Stage::Fetch)?);
        request.set_entries(Some(entries)).send().await?;
    }
    Ok(())
}

/// Ids of the messages that the fetcher has handled.
fn handled(bench: &Bench) -> BTreeSet<String> {
    let log = bench.log(Stage::Fetch);
    let documents = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    documents.filter_map(|line| line["message_id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_thousand_parked_messages_are_shown_and_redriven_and_the_lake_is_as_if_one_had_come()
-> Result<()> {
    local::run(async {
        let bench = Bench::deploy("night-many").await?;
        let operator = Operator::of("night-many", bench.endpoint()).await?;
        let date = days::session(0);
        bench.fetch(date).await?;
        bench.refined(date).await?;
        let (landing, before) = (bench.versions("landing/").await?, handled(&bench).len());
        park(&bench).await?;

        let shown = operator.sees(&["parked"]).await?;
        assert!(shown.contains("fetch\tb3-html\t1000\t"), "{shown}");
        assert!(shown.lines().count() < 10, "{shown}");
        let some =
            operator.types(&["parked", "fetch", "--limit", "3", "--json"]).await?.document()?;
        assert_eq!(
            (&some["total"], some["messages"].as_array().map(Vec::len)),
            (&MESSAGES.into(), Some(3))
        );

        let moved = operator.sees(&["redrive", "fetch", "--code", "b3-html"]).await?;
        assert!(moved.starts_with("1000 moved back"), "{moved}");
        bench
            .until("all of them to be handled", || async {
                Ok((handled(&bench).len() >= before + MESSAGES).then_some(()))
            })
            .await?;
        bench.refined(date).await?;
        assert_eq!(handled(&bench).len(), before + MESSAGES, "each once");
        assert_eq!(bench.dead_letters().await?, 0);
        assert_eq!(bench.versions("landing/").await?, landing, "the lake is the same");
        assert_eq!(bench.runs_of(date).await?, 1, "runs");
        Ok(())
    })
}
