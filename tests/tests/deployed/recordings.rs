//! Recorded answers of B3 through the deployed chain.

use anyhow::{Context as _, Result};
use chrono::Utc;
use e2e::{
    days, local,
    pipeline::Pipeline,
    recordings::{self, Recording},
};
use harness::b3_server::Day;

use crate::verify;

fn of_segment(all: &[Recording], segment: &str) -> Result<Vec<Day>> {
    let wanted = all
        .iter()
        .filter(|recording| recording.is_portfolio_day() && recording.name.contains(segment));
    wanted
        .map(|recording| Day::parse(&recording.body).with_context(|| recording.name.clone()))
        .collect()
}

#[test]
fn recorded_portfolios_by_sector_go_through_the_chain() -> Result<()> {
    let Some(all) = recordings::all()? else { return Ok(()) };
    let days = of_segment(&all, "-seg2")?;
    local::run(through_the_chain("recorded-sectors", "2", &days))
}

#[test]
fn recorded_portfolios_by_ticker_go_through_the_chain() -> Result<()> {
    let Some(all) = recordings::all()? else { return Ok(()) };
    let days = of_segment(&all, "-seg1")?;
    local::run(through_the_chain("recorded-tickers", "1", &days))
}

/// The fetcher of today refuses the old dates of recordings, so they start as landing objects of their own time.
async fn through_the_chain(name: &str, segment: &str, recorded: &[Day]) -> Result<()> {
    assert!(!recorded.is_empty(), "there is no recording of segment {segment}");
    let started = Utc::now();
    let pipeline = Pipeline::deploy_with(name, |mut config| {
        config.segment = segment.to_owned();
        config.with("GlueBatchingWindow", "15")
    })
    .await?;
    let before = pipeline.snapshot().await?;
    for day in recorded {
        let (key, body) = days::landing(day, segment.parse()?, days::morning(day.date()?))?;
        pipeline.put(&key.to_string(), body).await?;
    }
    pipeline.follow(&before).await?;
    for day in recorded {
        // On a slow machine the window ends before the last event arrives, and there are two runs.
        let date = day.date()?.to_string();
        pipeline
            .until("the mail about each day", || async {
                let mails = pipeline.mails("CompletionsTopicArn")?;
                Ok(mails.iter().any(|mail| mail.message.contains(&date)).then_some(()))
            })
            .await?;
        verify::holds(&pipeline, day, started).await?;
    }
    Ok(())
}
