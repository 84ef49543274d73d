//! The raw file as others read it: pyarrow, which the Glue job uses, DuckDB, which shares no code with the writer, and
//! Spark.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test that finds something else has failed"
)]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDate};
use e2e::{
    expected::Row,
    local,
    python::{self, ParquetFile},
};
use shared::{
    keys::{LandingKey, Stamp},
    portfolio::{Constituent, ContentHash, MAX_CONSTITUENTS, Portfolio},
    raw,
    values::{Segment, Weight},
};

/// A portfolio and the rows that a reader must find.
struct Case {
    name: &'static str,
    portfolio: Portfolio,
    rows: Vec<Row>,
}

/// Sector, ticker, asset, weight in thousandths, sector's weight, quantity.
type Holding<'a> = (Option<&'a str>, String, &'a str, u32, Option<u32>, i64);

impl Case {
    fn new(name: &'static str, date: NaiveDate, holdings: &[Holding<'_>]) -> Result<Self> {
        let weight = |thousandths| {
            Weight::from_thousandths(thousandths).context("a weight of more than six digits")
        };
        let mut constituents = Vec::new();
        let mut rows = Vec::new();
        for (sector, ticker, asset, thousandths, sector_weight, quantity) in holdings {
            constituents.push(Constituent {
                sector: sector.map(str::to_owned),
                ticker: ticker.parse()?,
                asset: Some((*asset).to_owned()),
                kind: Some("ON  ED  NM".to_owned()),
                weight: weight(*thousandths)?,
                sector_weight: sector_weight.map(weight).transpose()?,
                quantity: *quantity,
            });
            let decimal =
                |thousandths: u32| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            rows.push(vec![
                sector.map(str::to_owned),
                Some(ticker.clone()),
                Some((*asset).to_owned()),
                Some("ON  ED  NM".to_owned()),
                Some(decimal(*thousandths)),
                sector_weight.map(decimal),
                Some(quantity.to_string()),
                Some(date.to_string()),
            ]);
        }
        let portfolio = Portfolio {
            index: "IBOV".parse()?,
            segment: Segment::BySector,
            date,
            total_weight: weight(100_000)?,
            total_quantity: 1_234,
            reductor: Some("18553794.87445950".to_owned()),
            constituents,
        };
        Ok(Self { name, portfolio, rows })
    }

    fn landing(&self) -> Result<LandingKey> {
        let fetched_at = DateTime::from_timestamp_millis(1_795_000_000_123).context("a time")?;
        let stamp = Stamp::new(fetched_at, ContentHash::of(&self.portfolio));
        Ok(LandingKey { index: self.portfolio.index.clone(), date: self.portfolio.date, stamp })
    }

    fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join(format!("{}.parquet", self.name));
        std::fs::write(&path, raw::encode(&self.portfolio, &self.landing()?)?)?;
        Ok(path)
    }
}

fn cases() -> Result<Vec<Case>> {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).context("a date");
    let sector = Some("Financ e Outros / Previd  Seguros");
    let many: Vec<_> = (0..MAX_CONSTITUENTS)
        .map(|number| many(number).map(|ticker| (sector, ticker)))
        .collect::<Result<_>>()?;
    let many: Vec<_> = many
        .into_iter()
        .zip(0_u32..)
        .map(|((sector, ticker), number)| {
            (
                sector.filter(|_| number % 3 > 0),
                ticker,
                "X",
                number,
                Some(number).filter(|_| number % 2 > 0),
                i64::from(number) << 40,
            )
        })
        .collect();
    Ok(vec![
        Case::new(
            "one-row",
            day(2026, 11, 20)?,
            &[(sector, "BBSE3".to_owned(), "A", 100_000, Some(100_000), 1)],
        )?,
        Case::new(
            "extremes",
            day(2000, 2, 29)?,
            &[
                (sector, "BBSE3".to_owned(), "BCO/ÇÃO  é", 999_999, Some(999_999), i64::MAX),
                (Some("Mats Básicos / Mineração"), "VALE3".to_owned(), "🜚", 0, Some(0), 0),
                (None, "PETR4".to_owned(), " PADDED ", 1, None, 6_000_000_001),
            ],
        )?,
        Case::new(
            "only-nulls",
            day(2099, 12, 31)?,
            &[(None, "ABEV3".to_owned(), "AMBEV", 100_000, None, 16_777_217)],
        )?,
        Case::new("no-row", day(2026, 11, 23)?, &[])?,
        Case::new("ten-thousand-rows", day(2026, 11, 24)?, &many)?,
    ])
}

/// The `number`th of many tickers.
fn many(number: usize) -> Result<String> {
    let letter = |place: usize| {
        char::from_u32(
            u32::from('A') + u32::try_from(number / 26_usize.pow(u32::try_from(place)?) % 26)?,
        )
        .context("a letter")
    };
    Ok(format!("X{}{}{}3", letter(2)?, letter(1)?, letter(0)?))
}

const COLUMNS: [&str; 8] =
    ["segment", "cod", "asset", "type", "part", "partAcum", "theoricalQty", "DataCarteira"];

fn as_written(reader: &str, types: [&str; 8], read: &[ParquetFile], cases: &[Case]) {
    assert_eq!(read.len(), cases.len());
    let columns: Vec<(String, String)> = COLUMNS
        .iter()
        .zip(types)
        .map(|(name, kind)| ((*name).to_owned(), kind.to_owned()))
        .collect();
    for (file, case) in read.iter().zip(cases) {
        assert_eq!(file.columns, columns, "{} read by {reader}", case.name);
        assert_eq!(file.rows.len(), case.rows.len(), "{} read by {reader}", case.name);
        for (found, wanted) in file.rows.iter().zip(&case.rows) {
            assert_eq!(found, wanted, "{} read by {reader}", case.name);
        }
    }
}

#[test]
fn pyarrow_duckdb_and_spark_read_what_was_written() -> Result<()> {
    local::run(async {
        let (cases, folder) = (cases()?, tempfile::tempdir()?);
        let files: Vec<PathBuf> =
            cases.iter().map(|case| case.write(folder.path())).collect::<Result<_>>()?;
        let (pyarrow, duckdb, spark) = futures::try_join!(
            python::read_parquet("read_with_pyarrow.py", &files),
            python::read_parquet("read_with_duckdb.py", &files),
            python::read_parquet("read_with_spark.py", &files)
        )?;
        let (text, weight) = ("string", "decimal128(6, 3)");
        as_written(
            "pyarrow",
            [text, text, text, text, weight, weight, "int64", "date32[day]"],
            &pyarrow,
            &cases,
        );
        let text = "VARCHAR";
        as_written(
            "DuckDB",
            [text, text, text, text, "DECIMAL(6,3)", "DECIMAL(6,3)", "BIGINT", "DATE"],
            &duckdb,
            &cases,
        );
        let text = "string";
        as_written(
            "Spark",
            [text, text, text, text, "decimal(6,3)", "decimal(6,3)", "bigint", "date"],
            &spark,
            &cases,
        );
        assert!(
            spark.iter().all(|file| file.facts["vectorised"] == "true"),
            "Spark was to read with its vectorised reader"
        );
        for (file, case) in duckdb.iter().zip(&cases) {
            the_footer_says_where_it_came_from(file, case)?;
            if !case.rows.is_empty() {
                assert_eq!(file.facts["compression"], "SNAPPY", "{}", case.name);
                assert_eq!(file.facts["encodings"], "PLAIN,RLE", "{}", case.name);
            }
        }
        for (file, case) in pyarrow.iter().zip(&cases) {
            the_footer_says_where_it_came_from(file, case)?;
        }
        Ok(())
    })
}

fn the_footer_says_where_it_came_from(file: &ParquetFile, case: &Case) -> Result<()> {
    let says = |name: &str, wanted: &str| {
        assert_eq!(
            file.facts.get(name).map(String::as_str),
            Some(wanted),
            "{name} of {}",
            case.name
        )
    };
    says("landing-key", &case.landing()?.to_string());
    says("content-hash", ContentHash::of(&case.portfolio).as_str());
    says("index", "IBOV");
    says("segment", "2");
    says("total-part", "100.000");
    says("total-theorical-qty", "1234");
    says("reductor", "18553794.87445950");
    Ok(())
}
