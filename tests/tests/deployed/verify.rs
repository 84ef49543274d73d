//! Comparing every value of a date in the lake with its portfolio.

use std::collections::BTreeSet;

use anyhow::Result;
use chrono::{DateTime, Utc};
use e2e::{expected, lake, pipeline::Pipeline, python};
use harness::{
    b3_server::Day,
    stack::{athena, athena::Sector},
};

/// Checks that a date's raw and refined data are exactly those of `day`.
pub(crate) async fn holds(pipeline: &Pipeline, day: &Day, since: DateTime<Utc>) -> Result<()> {
    raw_holds(pipeline, day).await?;
    let sectors = refined_holds(pipeline, day).await?;
    let (earliest, latest) =
        (expected::days_since(day.date()?, since)?, expected::days_since(day.date()?, Utc::now())?);
    for sector in &sectors {
        let days = i64::from(sector.days);
        assert!(
            (earliest..=latest).contains(&days),
            "dias_desde_carteira of {} is {days}, not {earliest}",
            sector.name
        );
    }
    Ok(())
}

/// Reads the raw file with DuckDB and the raw table through Athena.
async fn raw_holds(pipeline: &Pipeline, day: &Day) -> Result<()> {
    let date = day.date()?;
    let key = format!("raw/date={date}/ibov_setor.parquet");
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("raw.parquet");
    std::fs::write(&file, pipeline.stack.read(&key).await?)?;
    let mut read = python::read_parquet("read_with_duckdb.py", &[file]).await?.remove(0);
    expected::sort_by_ticker(&mut read.rows);
    let wanted = expected::raw(day)?;
    assert_eq!(read.rows, wanted, "{key} against B3's answer");

    let metadata = pipeline.metadata(&key).await?;
    for name in ["landing-key", "content-hash"] {
        assert_eq!(
            metadata.get(name),
            read.facts.get(name),
            "{name} of the object and of the footer of {key}"
        );
    }
    let columns = "segment, cod, asset, type, part, partacum, theoricalqty, datacarteira";
    let table = format!("\"{}\".tb_ibov_raw", pipeline.stack.output("DatabaseName")?);
    let sql = format!("SELECT {columns} FROM {table} WHERE date = '{date}' ORDER BY cod");
    assert_eq!(
        athena::query(&pipeline.stack, &sql).await?.rows,
        wanted,
        "tb_ibov_raw of {date} against B3's answer"
    );
    Ok(())
}

/// Reads the refined table through Athena, and lists its files: none may be missing or left over.
pub(crate) async fn refined_holds(pipeline: &Pipeline, day: &Day) -> Result<Vec<Sector>> {
    let date = day.date()?;
    let wanted = expected::refined(day)?;
    let sectors = athena::sectors(&pipeline.stack, date).await?;
    assert_eq!(sectors.len(), wanted.len(), "rows of {date}");
    assert_eq!(
        expected::by_sector(&sectors),
        wanted,
        "tb_ibov_refined of {date} against B3's answer"
    );

    let folders: Vec<String> = pipeline
        .stack
        .keys(&format!("refined/Data={date}/"))
        .await?
        .iter()
        .map(|key| lake::folder_of(key))
        .collect();
    let distinct: BTreeSet<String> = folders.iter().cloned().collect();
    assert_eq!(folders.len(), distinct.len(), "one file for each sector: {folders:?}");
    assert_eq!(
        distinct,
        wanted.keys().map(|sector| lake::refined_folder(date, sector)).collect(),
        "folders of {date}"
    );
    Ok(sectors)
}
