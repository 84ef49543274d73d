//! Recorded answers of B3, and what each becomes.
#![allow(clippy::expect_used, reason = "a test that finds something else has failed")]

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use e2e::{
    days, expected, local, python,
    recordings::{self, Recording},
};
use harness::b3_server::Day;
use shared::{
    b3::{PageRequest, csv, csv::DayFile, decode, ptbr},
    keys::{LandingKey, Stamp},
    landing::Envelope,
    portfolio::{ContentHash, Portfolio, Warning},
    raw,
    values::Segment,
};

/// The envelope that the fetcher would have kept at that moment.
fn envelope(recording: &Recording, fetched_at: DateTime<Utc>) -> Result<Envelope> {
    let segment =
        if recording.name.contains("-seg1") { Segment::ByTicker } else { Segment::BySector };
    Ok(Envelope {
        request: PageRequest::first("IBOV".parse()?, segment, 1000),
        base_url: "https://b3.example".to_owned(),
        fetched_at,
        source: None,
        rejection: None,
        pages: vec![recording.body.clone()],
    })
}

fn encode(portfolio: &Portfolio) -> Result<Vec<u8>> {
    let stamp = Stamp::new(days::morning(portfolio.date), ContentHash::of(portfolio));
    Ok(raw::encode(
        portfolio,
        &LandingKey { index: portfolio.index.clone(), date: portfolio.date, stamp },
    )?)
}

#[test]
fn every_recorded_day_portfolio_becomes_a_raw_file_with_its_values() -> Result<()> {
    let Some(all) = recordings::all()? else { return Ok(()) };
    let recorded: Vec<&Recording> =
        all.iter().filter(|recording| recording.is_portfolio_day()).collect();
    assert!(!recorded.is_empty(), "no file is an answer of GetPortfolioDay");
    let folder = tempfile::tempdir()?;
    let mut files = Vec::new();
    for recording in &recorded {
        let fetched_at = days::morning(Day::parse(&recording.body)?.date()?);
        let (portfolio, warnings) =
            envelope(recording, fetched_at)?.portfolio().with_context(|| recording.name.clone())?;
        let malformed_reductor = recording.name.contains("malformed-reductor");
        let is_warned = matches!(warnings.as_slice(), [Warning::ReductorMalformed { .. }]);
        assert_eq!(is_warned, malformed_reductor, "{}: {warnings:?}", recording.name);
        assert_eq!(
            portfolio.reductor.is_some(),
            recording.name.contains("-seg2"),
            "{}",
            recording.name
        );
        let file = folder.path().join(format!("{}.parquet", recording.name));
        std::fs::write(&file, encode(&portfolio)?)?;
        files.push(file);
    }
    let read = local::run(python::read_parquet("read_with_duckdb.py", &files))?;
    for (recording, mut file) in recorded.into_iter().zip(read) {
        expected::sort_by_ticker(&mut file.rows);
        assert_eq!(file.rows, expected::raw(&Day::parse(&recording.body)?)?, "{}", recording.name);
    }
    Ok(())
}

#[test]
fn recorded_answers_to_other_questions_are_refused_as_day_portfolios() -> Result<()> {
    let Some(all) = recordings::all()? else { return Ok(()) };
    let others = all.iter().filter(|recording| !recording.is_portfolio_day());
    let mut verbs = Vec::new();
    for recording in others {
        let refused = envelope(recording, Utc::now())?
            .portfolio()
            .err()
            .with_context(|| format!("{} became a portfolio", recording.name))?;
        println!("{}: {} ({refused})", recording.name, refused.consequences().code);
        verbs.extend(
            ["GetStockIndex", "GetTheoricalPortfolio"]
                .into_iter()
                .find(|verb| recording.name.contains(verb)),
        );
    }
    assert_eq!(verbs, ["GetStockIndex", "GetTheoricalPortfolio"], "the recordings that are known");
    Ok(())
}

#[test]
fn every_recorded_file_of_the_site_becomes_a_portfolio() -> Result<()> {
    let Some(files) = recordings::csv_files()? else { return Ok(()) };
    assert!(!files.is_empty(), "no recording is a CSV file");
    for file in files {
        let name = file.display().to_string();
        let text = decode(std::fs::read(&file)?);
        let DayFile { index, page, has_sectors } =
            csv::parse(&text).with_context(|| name.clone())?;
        let rows = page.results.as_ref().map_or(0, Vec::len);
        let segment = if has_sectors { Segment::BySector } else { Segment::ByTicker };
        let header = page.header.as_ref().context("no header")?;
        let date = ptbr::date(header.date.text()?)?;
        let (portfolio, warnings) =
            Portfolio::from_pages(index, segment, days::morning(date), &[page])
                .with_context(|| name.clone())?;
        assert_eq!((portfolio.constituents.len(), warnings), (rows, vec![]), "{name}");
        assert!(portfolio.reductor.is_some(), "{name}");
        assert!(encode(&portfolio)?.len() > 1_000, "{name}");
    }
    Ok(())
}
