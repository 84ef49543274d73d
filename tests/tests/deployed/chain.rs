//! The objects and rows of a portfolio at each stage from B3 to Athena.

use anyhow::{Context as _, Result};
use chrono::Utc;
use e2e::{days, local, pipeline::Pipeline};
use harness::{
    b3_server::Day,
    deployment::COMPLETION_EMAIL,
    journey::Journey,
    stack::{Stage, athena},
};
use serde_json::{Value, json};

use crate::{smoke, verify};

const GONE: &str = "Utilidade Públ / Água Saneamento";
const HEIR: &str = "Mats Básicos / Mineração";

#[test]
fn the_bundled_sample_goes_through_the_chain() -> Result<()> {
    local::run(async {
        let started = Utc::now();
        let pipeline = Pipeline::deploy("sample").await?;
        let day = Day::sample()?;
        pipeline.b3.publish("IBOV", day.clone());
        let journey = pipeline.fetch_to_the_end().await?;
        assert_eq!(journey.date, day.date()?);
        assert_eq!(journey.raw_key, format!("raw/date={}/ibov_setor.parquet", journey.date));
        assert_eq!(journey.warnings, []);
        assert_eq!(journey.glue_run.state, "SUCCEEDED");
        landing_is_the_answer(&pipeline, &journey, &day, started).await?;
        verify::holds(&pipeline, &day, started).await?;
        completion_is_mailed(&pipeline, &journey)?;
        assert!(pipeline.mails("AlertsTopicArn")?.is_empty(), "alerts although all went well");

        unchanged_content_changes_nothing(&pipeline).await?;
        let told = smoke::smoke_test(&pipeline).await?;
        assert_eq!(told, format!("sample: {} is refined\n", journey.date));
        Ok(())
    })
}

/// The landing object is B3's unchanged answer under a key that describes it.
async fn landing_is_the_answer(
    pipeline: &Pipeline,
    journey: &Journey,
    day: &Day,
    started: chrono::DateTime<Utc>,
) -> Result<()> {
    let envelope: Value =
        serde_json::from_slice(&pipeline.stack.read(&journey.landing_key).await?)?;
    assert_eq!(
        envelope["pages"],
        json!([day.page(1, 1000).to_string()]),
        "the body, byte for byte"
    );
    let request = json!({"language": "pt-br", "pageNumber": 1, "pageSize": 1000, "index": "IBOV", "segment": "2"});
    assert_eq!(envelope["request"], request);
    assert_eq!(envelope["base_url"], pipeline.b3.base_url());
    let fetched_at: chrono::DateTime<Utc> = serde_json::from_value(envelope["fetched_at"].clone())?;
    assert!(started < fetched_at && fetched_at < Utc::now(), "{fetched_at}");

    let content = &pipeline.metadata(&journey.raw_key).await?["content-hash"];
    let stamp = fetched_at.format("%Y%m%dT%H%M%S%.3fZ");
    assert_eq!(
        journey.landing_key,
        format!("landing/index=IBOV/date={}/{stamp}-{content}.json", journey.date)
    );
    assert_eq!(pipeline.metadata(&journey.raw_key).await?["landing-key"], journey.landing_key);
    assert_eq!(
        serde_json::to_value(pipeline.b3.requests())?,
        json!([request]),
        "B3 was asked once"
    );
    Ok(())
}

fn completion_is_mailed(pipeline: &Pipeline, journey: &Journey) -> Result<()> {
    let mails = pipeline.mails("CompletionsTopicArn")?;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to, COMPLETION_EMAIL);
    assert_eq!(mails[0].subject(), format!("IBOV refined: {}", journey.date));
    let job = pipeline.stack.output("GlueJobName")?.to_owned();
    for part in [journey.date.to_string(), job, journey.glue_run.id.clone()] {
        assert!(mails[0].message.contains(&part), "{part} is missing in\n{}", mails[0].message);
    }
    Ok(())
}

/// A second fetch of the same content writes nothing and starts no run.
async fn unchanged_content_changes_nothing(pipeline: &Pipeline) -> Result<()> {
    let (before, runs) = (pipeline.versions("").await?, pipeline.stack.runs().await?.len());
    pipeline.stack.request_fetch(None, None).await?;
    let log = pipeline.logs().function(&pipeline.stack, Stage::Fetch);
    pipeline
        .until("the fetcher to find the content unchanged", || async {
            let said = std::fs::read_to_string(&log)
                .with_context(|| format!("cannot read {}", log.display()))?;
            Ok(said.contains("B3's answer is unchanged").then_some(()))
        })
        .await?;
    pipeline.quiet().await?;
    assert_eq!(pipeline.b3.requests().len(), 2, "B3 was asked again");
    // Results of this test's queries are not part of the lake.
    let lake = |versions: &std::collections::BTreeMap<String, String>| {
        versions
            .clone()
            .into_iter()
            .filter(|(key, _)| !key.starts_with("athena/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(lake(&pipeline.versions("").await?), lake(&before));
    assert_eq!(pipeline.stack.runs().await?.len(), runs);
    Ok(())
}

#[test]
fn several_dates_share_one_run_and_a_vanished_sector_leaves_table_and_files() -> Result<()> {
    local::run(async {
        let started = Utc::now();
        // Longer than this test, so that only a full batch is delivered.
        let pipeline =
            Pipeline::deploy_with("dates", |config| config.with("GlueBatchingWindow", "300"))
                .await?;
        let (today, tomorrow) = (days::small(days::session(0)), days::small(days::session(1)));
        fetch_as_one_batch(&pipeline, &[&today, &tomorrow]).await?;
        verify::holds(&pipeline, &today, started).await?;
        verify::holds(&pipeline, &tomorrow, started).await?;
        let runs = pipeline.stack.runs().await?;
        assert_eq!(runs.len(), 1, "{runs:?}");
        let dates = runs[0].arguments().context("a run without arguments")?;
        let both = format!("{},{}", today.date()?, tomorrow.date()?);
        assert_eq!(dates.get("--dates"), Some(&both));

        a_vanished_sector_leaves_table_and_files(&pipeline, &today, &tomorrow, started).await
    })
}

/// Fetches portfolios one after the other, and delivers the events about their raw files to glue-trigger in one batch.
pub(crate) async fn fetch_as_one_batch(pipeline: &Pipeline, days: &[&Day]) -> Result<Journey> {
    let before = pipeline.snapshot().await?;
    let mut gathered = pipeline.stack.waiting(Stage::Glue).await?;
    for day in days {
        pipeline.b3.publish("IBOV", (*day).clone());
        pipeline.stack.request_fetch(None, None).await?;
        gathered += 1;
        pipeline
            .until("the raw file's event to be gathered", || async {
                Ok((pipeline.stack.waiting(Stage::Glue).await? == gathered).then_some(()))
            })
            .await?;
    }
    pipeline.fill_batch(Stage::Glue).await?;
    pipeline.follow(&before).await
}

async fn a_vanished_sector_leaves_table_and_files(
    pipeline: &Pipeline,
    other: &Day,
    day: &Day,
    started: chrono::DateTime<Utc>,
) -> Result<()> {
    let untouched = pipeline.versions(&format!("refined/Data={}/", other.date()?)).await?;
    let smaller = days::without_sector(day.clone(), GONE, HEIR);
    fetch_as_one_batch(pipeline, &[&smaller]).await?;
    verify::holds(pipeline, &smaller, started).await?;
    let sectors = athena::sectors(&pipeline.stack, day.date()?).await?;
    assert!(
        sectors.iter().all(|sector| sector.name != GONE)
            && sectors.iter().any(|sector| sector.name == HEIR)
    );

    let landing = pipeline.stack.keys(&format!("landing/index=IBOV/date={}/", day.date()?)).await?;
    assert_eq!(landing.len(), 2, "both answers of the day are kept: {landing:?}");
    assert_eq!(
        pipeline.versions(&format!("refined/Data={}/", other.date()?)).await?,
        untouched,
        "the other date"
    );
    Ok(())
}

#[test]
fn a_portfolio_without_sectors_is_refined_as_sem_setor() -> Result<()> {
    local::run(async {
        let started = Utc::now();
        let pipeline = Pipeline::deploy_with("tickers", |mut config| {
            config.segment = "1".to_owned();
            config
        })
        .await?;
        // The server answers segment 1 without sectors, and with three rows a page.
        pipeline.b3.publish("IBOV", days::small(days::session(0)));
        pipeline.b3.cap_page_size(3);
        let journey = pipeline.fetch_to_the_end().await?;
        verify::holds(&pipeline, &days::small(days::session(0)).without_sectors(), started).await?;
        let sectors = athena::sectors(&pipeline.stack, journey.date).await?;
        assert_eq!(
            sectors.iter().map(|sector| sector.name.as_str()).collect::<Vec<_>>(),
            ["Sem setor"]
        );
        let envelope: Value =
            serde_json::from_slice(&pipeline.stack.read(&journey.landing_key).await?)?;
        assert_eq!(envelope["pages"].as_array().map(Vec::len), Some(2), "both pages are kept");
        Ok(())
    })
}
