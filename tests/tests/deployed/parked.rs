//! Answers that never become data: the request is parked with its cause, and replayed once B3 has recovered.

use anyhow::{Context as _, Result};
use chrono::Utc;
use e2e::{local, pipeline::Pipeline};
use harness::{
    b3_server::{Day, Reply},
    stack::{Stage, dead_letters, dead_letters::Parked},
};
use serde_json::Value;

use crate::verify;

/// The unusual spaces show that a parked body is exactly the text that was sent.
const REQUEST: &str = r#"{ "index":"IBOV" ,  "segment": "2"}"#;

/// Refused replies, each with its code and words of its message.
const REFUSED: [(Reply, &str, &str); 4] = [
    (Reply::NullResults, "results-null", "results is null"),
    (Reply::WrongTotals, "quantity-total", "the quantities add up to"),
    (Reply::MissingPage, "page-missing", "page 2 has no rows"),
    (Reply::EnglishShapes, "en-us-format", "en-us format"),
];

#[test]
fn answers_that_are_no_data_are_parked_with_their_cause_and_replayed_after_repair() -> Result<()> {
    local::run(async {
        let started = Utc::now();
        // Two attempts in quick succession.
        let pipeline = Pipeline::deploy_with("refused", |config| {
            config
                .with("MaxReceiveCount", "2")
                .with("VisibilityTimeout", "19")
                .with("FunctionTimeout", "10")
        })
        .await?;
        let day = Day::sample()?;
        pipeline.b3.publish("IBOV", day.clone());
        pipeline.b3.cap_page_size(50);

        for (number, (reply, code, words)) in REFUSED.into_iter().enumerate() {
            pipeline.b3.reply(reply);
            pipeline.stack.send(Stage::Fetch, REQUEST).await?;
            let parked = parked_as(&pipeline, number + 1, code).await?;
            refused_at_once_and_kept(&pipeline, &parked, code, words).await?;
        }
        pipeline.b3.reply(Reply::Html);
        pipeline.stack.send(Stage::Fetch, REQUEST).await?;
        let parked = parked_as(&pipeline, REFUSED.len() + 1, "b3-html").await?;
        retried_before_it_was_parked(&pipeline, &parked).await?;

        for prefix in ["landing/", "raw/", "refined/"] {
            assert!(pipeline.stack.keys(prefix).await?.is_empty(), "data under {prefix}");
        }
        replayed_after_repair(&pipeline, &day, started).await
    })
}

/// The one message of this kind among the `count` parked ones. Its body must be unchanged.
async fn parked_as(pipeline: &Pipeline, count: usize, code: &str) -> Result<Parked> {
    let all = pipeline.parked(Stage::Fetch, count).await?;
    assert_eq!(all.len(), count, "{all:?}");
    let of_this_kind = || all.iter().filter(|parked| parked.attribute("code") == Some(code));
    assert_eq!(of_this_kind().count(), 1, "{code} among {all:?}");
    let parked = of_this_kind().next().cloned().context("counted, and gone")?;
    assert_eq!(parked.body, REQUEST);
    for name in ["stage", "error", "object", "request_id", "parked_at"] {
        assert!(
            parked.attribute(name).is_some_and(|value| !value.is_empty()),
            "{name} in {parked:?}"
        );
    }
    assert_eq!(parked.attribute("stage"), Some("fetch"));
    Ok(parked)
}

async fn refused_at_once_and_kept(
    pipeline: &Pipeline,
    parked: &Parked,
    code: &str,
    words: &str,
) -> Result<()> {
    assert_eq!(parked.attribute("class"), Some("permanent"), "{code}");
    assert_eq!(parked.attribute("attempts"), Some("1"), "{code} was tried again");
    assert!(parked.cause().contains(words), "{code}: {}", parked.cause());
    let bucket = format!("s3://{}/", pipeline.stack.bucket()?);
    let key = parked
        .attribute("object")
        .and_then(|object| object.strip_prefix(&bucket))
        .context("no object is named")?;
    assert!(key.starts_with("rejected/index=IBOV/"), "{key}");
    let kept: Value = serde_json::from_slice(&pipeline.stack.read(key).await?)?;
    assert_eq!(kept["rejection"]["code"], code);
    assert!(
        kept["rejection"]["message"].as_str().is_some_and(|message| message.contains(words)),
        "{kept}"
    );
    let first_page: Value =
        serde_json::from_str(kept["pages"][0].as_str().context("no page is kept")?)?;
    assert!(
        first_page["page"]["totalRecords"].is_number(),
        "the answer itself is kept: {first_page}"
    );
    Ok(())
}

async fn retried_before_it_was_parked(pipeline: &Pipeline, parked: &Parked) -> Result<()> {
    assert_eq!(parked.attribute("class"), Some("transient"));
    assert_eq!(parked.attribute("attempts"), Some("2"));
    assert!(parked.cause().contains("HTML"), "{}", parked.cause());
    assert!(
        parked.attribute("object").is_some_and(|url| url.starts_with(pipeline.b3.base_url())),
        "{parked:?}"
    );
    assert_eq!(
        pipeline.stack.keys("rejected/").await?.len(),
        REFUSED.len(),
        "a page that says nothing is not kept"
    );
    Ok(())
}

/// Redrives all messages, after which the chain goes on as if nothing had happened.
async fn replayed_after_repair(
    pipeline: &Pipeline,
    day: &Day,
    started: chrono::DateTime<Utc>,
) -> Result<()> {
    pipeline.b3.reply(Reply::Portfolio);
    let moved = dead_letters::redrive(&pipeline.stack, Stage::Fetch).await?;
    assert_eq!(usize::try_from(moved)?, REFUSED.len() + 1);
    let date = day.date()?;
    let succeeded = |subject: &str| subject == format!("IBOV refined: {date}");
    pipeline
        .until("the completion of the replayed fetch", || async {
            Ok(pipeline
                .mails("CompletionsTopicArn")?
                .into_iter()
                .find(|mail| succeeded(mail.subject())))
        })
        .await?;
    pipeline.quiet().await?;
    verify::holds(pipeline, day, started).await?;
    assert_eq!(dead_letters::depth(&pipeline.stack, Stage::Fetch).await?, 0);
    Ok(())
}
