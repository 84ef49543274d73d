//! A lake of several sessions that the chain produced, for the tests of Athena's queries and views. They share it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use e2e::{
    days,
    expected::{self, Row},
    pipeline::Pipeline,
};
use harness::{
    b3_server::{Day, Holding},
    stack::{
        Stage,
        athena::{self, QueryResult},
        named_queries,
    },
};
use rust_decimal::Decimal;
use tokio::sync::OnceCell;

pub(crate) const STACK: &str = "athena";
/// There was no session on the 20th, a holiday.
pub(crate) const DATES: [&str; 4] = ["2024-11-18", "2024-11-19", "2024-11-21", "2024-11-22"];
pub(crate) const NEW_TICKER: &str = "NOVA3";
const NEW_SECTOR: &str = "Novo Setor / Água";

static LAKE: OnceCell<Lake> = OnceCell::const_new();

pub(crate) struct Lake {
    pub(crate) pipeline: Pipeline,
    pub(crate) since: DateTime<Utc>,
    days: Vec<Day>,
}

/// One constituent of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stock {
    pub(crate) date: String,
    pub(crate) sector: String,
    pub(crate) ticker: String,
    pub(crate) company: String,
    pub(crate) kind: String,
    pub(crate) weight: Decimal,
    pub(crate) sector_weight: Option<Decimal>,
    pub(crate) quantity: i64,
}

/// One sector of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sector {
    pub(crate) date: String,
    pub(crate) name: String,
    pub(crate) sums: expected::Refined,
}

/// The shared lake, made by the first test that wants it.
pub(crate) async fn lake() -> Result<&'static Lake> {
    LAKE.get_or_try_init(fill).await
}

async fn fill() -> Result<Lake> {
    let since = Utc::now();
    // Longer than the tests: the batch is handed over when it is full.
    let mut pipeline =
        Pipeline::deploy_with(STACK, |config| config.with("GlueBatchingWindow", "300")).await?;
    let days = portfolios()?;
    let before = pipeline.snapshot().await?;
    let gathered = pipeline.stack.waiting(Stage::Glue).await? + days.len();
    for day in &days {
        let (key, body) = days::landing(day, "2".parse()?, days::morning(day.date()?))?;
        pipeline.put(&key.to_string(), body).await?;
    }
    pipeline
        .until("the raw files' events to be gathered", || async {
            Ok((pipeline.stack.waiting(Stage::Glue).await? == gathered).then_some(()))
        })
        .await?;
    pipeline.fill_batch(Stage::Glue).await?;
    pipeline.follow(&before).await?;
    pipeline.needs_no_more_runs();
    Ok(Lake { pipeline, since, days })
}

impl Lake {
    /// The answer to one of the stack's queries.
    pub(crate) async fn named(&self, name: &str, parameters: &[&str]) -> Result<QueryResult> {
        let texts = parameters.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let found = named_queries::run(&self.pipeline.stack, name, &texts).await?;
        // The emulator knows less of types than Athena does.
        Ok(QueryResult { types: vec![], ..found })
    }

    /// All rows of a view, in some order.
    pub(crate) async fn view(&self, name: &str) -> Result<QueryResult> {
        let mut all = athena::query(&self.pipeline.stack, &format!("SELECT * FROM {name}")).await?;
        all.rows.sort();
        Ok(QueryResult { types: vec![], ..all })
    }

    pub(crate) fn stocks(&self) -> Result<Vec<Stock>> {
        let mut stocks = Vec::new();
        for day in &self.days {
            for row in expected::raw(day)? {
                stocks.push(stock(&row)?);
            }
        }
        Ok(stocks)
    }

    /// The stocks of one session by ticker.
    pub(crate) fn stocks_of(&self, date: &str) -> Result<BTreeMap<String, Stock>> {
        let stocks = self.stocks()?.into_iter().filter(|stock| stock.date == date);
        Ok(stocks.map(|stock| (stock.ticker.clone(), stock)).collect())
    }

    pub(crate) fn sectors(&self) -> Result<Vec<Sector>> {
        let mut sectors = Vec::new();
        for day in &self.days {
            let date = day.date()?.to_string();
            let found = expected::refined(day)?.into_iter();
            sectors.extend(found.map(|(name, sums)| Sector { date: date.clone(), name, sums }));
        }
        Ok(sectors)
    }
}

/// A result with these columns.
pub(crate) fn result(columns: &[&str], rows: Vec<Row>) -> QueryResult {
    let columns = columns.iter().map(|&name| name.to_owned()).collect();
    QueryResult { columns, types: vec![], rows }
}

/// A row of values that are not null.
pub(crate) fn row<const N: usize>(cells: [&dyn ToString; N]) -> Row {
    cells.iter().map(|cell| Some(cell.to_string())).collect()
}

fn stock(row: &[Option<String>]) -> Result<Stock> {
    let [sector, ticker, company, kind, weight, sector_weight, quantity, date] = row else {
        anyhow::bail!("a raw row of {} values", row.len());
    };
    let text = |cell: &Option<String>| cell.clone().context("a value is missing");
    Ok(Stock {
        date: text(date)?,
        sector: sector.clone().unwrap_or_else(|| expected::NO_SECTOR.to_owned()),
        ticker: text(ticker)?,
        company: text(company)?,
        kind: text(kind)?,
        weight: text(weight)?.parse()?,
        sector_weight: sector_weight.as_deref().map(str::parse).transpose()?,
        quantity: text(quantity)?.parse()?,
    })
}

/// Four sessions, on the third of which two stocks have left, one with its sector, one has entered with a new sector,
/// and one has lost its sector.
fn portfolios() -> Result<Vec<Day>> {
    let first = holdings(&Day::sample()?)?;
    let second = moved(first.clone(), 1)?;
    let mut third = moved(second.clone(), 2)?;
    let lonely = only_of_their_sector(&third);
    let [gone_with_sector, without_sector, ..] = lonely.as_slice() else {
        anyhow::bail!("the sample has no two sectors of one stock each");
    };
    let (gone_with_sector, without_sector) = (*gone_with_sector, *without_sector);
    let without_sector = third[without_sector].cod.clone();
    third[gone_with_sector].cod = NEW_TICKER.to_owned();
    third[gone_with_sector].asset = "CIA NOVA".to_owned();
    third[gone_with_sector].sector = NEW_SECTOR.to_owned();
    let smallest = third.iter().enumerate().min_by_key(|(_, each)| each.weight_thousandths);
    let smallest = smallest.context("an empty portfolio")?.0;
    let gone = third.remove(smallest);
    heaviest(&mut third)?.weight_thousandths += gone.weight_thousandths;
    let fourth = moved(third.clone(), 3)?;

    let mut days = Vec::new();
    for (date, holdings) in DATES.iter().zip([first, second, third, fourth]) {
        let mut day = Day::from_holdings(date.parse::<NaiveDate>()?, &holdings);
        if days.len() >= 2 {
            let row = day.results.iter_mut().find(|row| row.cod == without_sector);
            let row = row.context("the stock without a sector has left")?;
            (row.segment, row.part_acum) = (None, None);
        }
        days.push(day);
    }
    Ok(days)
}

fn holdings(day: &Day) -> Result<Vec<Holding>> {
    let holding = |row: &harness::b3_server::Row| {
        Ok(Holding {
            sector: row.segment.clone().context("a stock of the sample has no sector")?,
            cod: row.cod.clone(),
            asset: row.asset.clone(),
            weight_thousandths: row.part.replace(',', "").parse()?,
            quantity: row.theorical_qty.replace('.', "").parse()?,
        })
    };
    day.results.iter().map(holding).collect()
}

/// Some weights a little higher and some a little lower; the heaviest stock makes up for the sum.
fn moved(mut holdings: Vec<Holding>, seed: i64) -> Result<Vec<Holding>> {
    let mut given = 0;
    for (holding, number) in holdings.iter_mut().zip(seed..) {
        let step = number * 13 % 11 - 5;
        if holding.weight_thousandths + step > 0 {
            holding.weight_thousandths += step;
            given += step;
        }
    }
    heaviest(&mut holdings)?.weight_thousandths -= given;
    Ok(holdings)
}

fn heaviest(holdings: &mut [Holding]) -> Result<&mut Holding> {
    holdings.iter_mut().max_by_key(|each| each.weight_thousandths).context("an empty portfolio")
}

/// Where the stocks stand that share their sector with no other.
fn only_of_their_sector(holdings: &[Holding]) -> Vec<usize> {
    let alone = |sector: &str| holdings.iter().filter(|each| each.sector == sector).count() == 1;
    let found = holdings.iter().enumerate().filter(|(_, each)| alone(&each.sector));
    found.map(|(position, _)| position).collect()
}

#[test]
fn the_sessions_differ_in_all_that_the_queries_look_for() -> Result<()> {
    let days = portfolios()?;
    let tickers = |day: &Day| day.results.iter().map(|row| row.cod.clone()).collect::<Vec<_>>();
    let sectors = |day: &Day| Ok::<_, anyhow::Error>(expected::refined(day)?.into_keys());
    let (before, after) = (tickers(&days[1]), tickers(&days[2]));
    ensure!(!before.contains(&NEW_TICKER.to_owned()) && after.contains(&NEW_TICKER.to_owned()));
    ensure!(before.iter().filter(|ticker| !after.contains(ticker)).count() == 2);
    let (before, after) = (sectors(&days[1])?, sectors(&days[2])?.collect::<Vec<_>>());
    ensure!(before.into_iter().any(|sector| !after.contains(&sector)));
    ensure!(after.contains(&NEW_SECTOR.to_owned()) && after.contains(&"Sem setor".to_owned()));
    Ok(())
}
