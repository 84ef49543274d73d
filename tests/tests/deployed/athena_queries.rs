//! Each query of `infra/athena/queries` over the shared lake, its rows compared with sums over B3's answers. A test is
//! named after its query.

use std::{cmp::Reverse, collections::BTreeMap};

use anyhow::{Context as _, Result};
use chrono::Utc;
use e2e::{
    expected::{self, Row},
    ibov, local,
};
use rust_decimal::Decimal;

use crate::athena_lake::{DATES, Lake, NEW_TICKER, STACK, Sector, Stock, lake, result, row};

const FIRST: &str = DATES[0];
const SECOND: &str = DATES[1];
const THIRD: &str = DATES[2];
const LAST: &str = DATES[3];

#[test]
fn first_ten() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let found = lake.named("first-ten", &[]).await?;
        let columns = [
            "soma_part",
            "total_codigo",
            "soma_qtd_teorica",
            "dias_desde_carteira",
            "data",
            "setor",
        ];
        assert_eq!(found.columns, columns);
        assert_eq!(found.rows.len(), 10);
        for mut row in found.rows {
            let days: i64 = row.remove(3).context("no age")?.parse()?;
            let of_sector =
                |each: &Sector| row == sums(each).into_iter().chain(key(each)).collect::<Row>();
            let sectors = lake.sectors()?;
            let sector = sectors.iter().find(|each| of_sector(each));
            let date = sector.with_context(|| format!("no sector: {row:?}"))?.date.parse()?;
            let ages =
                expected::days_since(date, lake.since)?..=expected::days_since(date, Utc::now())?;
            assert!(ages.contains(&days), "{days} days since {date}");
        }
        Ok(())
    })
}

fn sums(sector: &Sector) -> Row {
    let sums = &sector.sums;
    row([&sums.soma_part, &sums.total_codigo, &sums.soma_qtd_teorica])
}

fn key(sector: &Sector) -> Row {
    row([&sector.date, &sector.name])
}

#[test]
fn total_weight() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let total: Decimal = lake.sectors()?.iter().map(|sector| sector.sums.soma_part).sum();
        assert_eq!(total.to_string(), "400.000", "four sessions");
        let found = lake.named("total-weight", &[]).await?;
        assert_eq!(found, result(&["total_participacao"], vec![row([&total])]));
        Ok(())
    })
}

#[test]
fn weight_by_sector() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let found = lake.named("weight-by-sector", &[]).await?;
        assert_eq!(found, result(&["setor", "total_part"], heaviest_sectors(lake)?));
        Ok(())
    })
}

#[test]
fn top_sectors() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let heaviest = heaviest_sectors(lake)?;
        assert!(heaviest.len() > 10, "there is something to leave out");
        let found = lake.named("top-sectors", &[]).await?;
        assert_eq!(found.rows, heaviest.get(..10).context("too few sectors")?);
        Ok(())
    })
}

/// Each sector's weights of all sessions together, the largest first.
fn heaviest_sectors(lake: &Lake) -> Result<Vec<Row>> {
    let mut totals: BTreeMap<String, Decimal> = BTreeMap::new();
    for sector in lake.sectors()? {
        *totals.entry(sector.name).or_default() += sector.sums.soma_part;
    }
    let mut totals: Vec<(String, Decimal)> = totals.into_iter().collect();
    totals.sort_by_key(|(_, total)| Reverse(*total));
    let equal = totals.iter().zip(totals.iter().skip(1)).any(|(one, next)| one.1 == next.1);
    assert!(!equal, "the query leaves the order of equals open");
    Ok(totals.iter().map(|(name, total)| row([name, total])).collect())
}

#[test]
fn day_by_sector() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut sectors = lake.sectors()?;
        sectors.retain(|sector| sector.date == THIRD);
        sectors.sort_by_key(|each| (Reverse(each.sums.soma_part), each.name.clone()));
        let rows =
            sectors.iter().map(|each| row([&each.name]).into_iter().chain(sums(each)).collect());
        let columns = ["setor", "soma_part", "total_codigo", "soma_qtd_teorica"];
        let found = lake.named("day-by-sector", &[THIRD]).await?;
        assert_eq!(found, result(&columns, rows.collect()));
        Ok(())
    })
}

#[test]
fn heaviest_stocks() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut stocks: Vec<Stock> = lake.stocks_of(LAST)?.into_values().collect();
        stocks.sort_by_key(|stock| (Reverse(stock.weight), stock.ticker.clone()));
        let rows = stocks.iter().take(10);
        let rows = rows.map(|each| row([&each.ticker, &each.company, &each.sector, &each.weight]));
        let found = lake.named("heaviest-stocks", &[LAST]).await?;
        assert_eq!(found, result(&["codigo", "acao", "setor", "participacao"], rows.collect()));
        Ok(())
    })
}

#[test]
fn moves() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut rows = Vec::new();
        for (ticker, before, after) in pairs(lake, FIRST, LAST)? {
            let either = after.as_ref().or(before.as_ref()).context("on neither day")?;
            let weight = |stock: &Option<Stock>| stock.as_ref().map(|stock| stock.weight);
            let (before, after) = (weight(&before), weight(&after));
            let change = after.unwrap_or_default() - before.unwrap_or_default();
            let text = |weight: Option<Decimal>| weight.map(|weight| weight.to_string());
            let mut cells = row([&ticker, &either.company, &either.sector]);
            cells.extend([text(before), text(after), Some(format!("{change:.3}"))]);
            rows.push((Reverse(change), ticker, cells));
        }
        rows.sort();
        let columns =
            ["codigo", "acao", "setor", "participacao_antes", "participacao_depois", "variacao"];
        let found = lake.named("moves", &[FIRST, LAST]).await?;
        assert_eq!(found, result(&columns, rows.into_iter().map(|(_, _, cells)| cells).collect()));
        Ok(())
    })
}

#[test]
fn entered_and_left() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut rows = Vec::new();
        for (ticker, before, after) in pairs(lake, SECOND, THIRD)? {
            let (movement, stock) = match (before, after) {
                (None, Some(stock)) => ("entrou", stock),
                (Some(stock), None) => ("saiu", stock),
                _ => continue,
            };
            rows.push(row([&movement, &ticker, &stock.company, &stock.sector, &stock.weight]));
        }
        rows.sort();
        assert_eq!(rows.len(), 3, "one entered, two left: {rows:?}");
        let columns = ["movimento", "codigo", "acao", "setor", "participacao"];
        let found = lake.named("entered-and-left", &[SECOND, THIRD]).await?;
        assert_eq!(found, result(&columns, rows));
        Ok(())
    })
}

/// A ticker, and its stock in an earlier and in a later session.
type Pair = (String, Option<Stock>, Option<Stock>);

fn pairs(lake: &Lake, before: &str, after: &str) -> Result<Vec<Pair>> {
    let (mut before, mut after) = (lake.stocks_of(before)?, lake.stocks_of(after)?);
    let mut tickers: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    tickers.sort();
    tickers.dedup();
    let pair = |ticker: String| {
        let (before, after) = (before.remove(&ticker), after.remove(&ticker));
        (ticker, before, after)
    };
    Ok(tickers.into_iter().map(pair).collect())
}

#[test]
fn stock_history() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        for (ticker, sessions) in [("PETR4", 4), (NEW_TICKER, 2)] {
            let stocks = lake.stocks()?.into_iter().filter(|stock| stock.ticker == ticker);
            let rows =
                stocks.map(|each| row([&each.date, &each.sector, &each.weight, &each.quantity]));
            let rows: Vec<Row> = rows.collect();
            assert_eq!(rows.len(), sessions, "{ticker}");
            let found = lake.named("stock-history", &[ticker]).await?;
            assert_eq!(found, result(&["data", "setor", "participacao", "qtd_teorica"], rows));
        }
        Ok(())
    })
}

#[test]
fn sector_history() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        for (name, sessions) in [("Mats Básicos / Mineração", 4), (expected::NO_SECTOR, 2)] {
            let sectors = lake.sectors()?.into_iter().filter(|sector| sector.name == name);
            let rows =
                sectors.map(|each| row([&each.date]).into_iter().chain(sums(&each)).collect());
            let rows: Vec<Row> = rows.collect();
            assert_eq!(rows.len(), sessions, "{name}");
            let columns = ["data", "soma_part", "total_codigo", "soma_qtd_teorica"];
            let found = lake.named("sector-history", &[name]).await?;
            assert_eq!(found, result(&columns, rows));
        }
        Ok(())
    })
}

#[test]
fn concentration() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut rows = Vec::new();
        for date in DATES {
            let stocks = lake.stocks_of(date)?;
            let mut weights: Vec<Decimal> = stocks.values().map(|stock| stock.weight).collect();
            weights.sort_by_key(|weight| Reverse(*weight));
            let top = |count: usize| weights.iter().take(count).sum::<Decimal>();
            let herfindahl: Decimal = weights.iter().map(|weight| weight * weight).sum();
            rows.push(row([&date, &weights.len(), &top(5), &top(10), &herfindahl]));
        }
        let found = lake.named("concentration", &[]).await?;
        let columns = ["data", "total_codigo", "top_5", "top_10", "herfindahl"];
        assert_eq!(found, result(&columns, rows));
        Ok(())
    })
}

#[test]
fn every_query_has_a_test_of_its_name() -> Result<()> {
    let tests = include_str!("athena_queries.rs");
    for file in std::fs::read_dir(local::in_workspace("infra/athena/queries")?)? {
        let name = file?.path().file_stem().context("no name")?.to_string_lossy().replace('-', "_");
        assert!(tests.contains(&format!("#[test]\nfn {name}() ")), "{name} has no test");
    }
    Ok(())
}

#[test]
fn queries_are_listed_and_run_by_name_from_the_command_line() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let endpoint = lake.pipeline.endpoint();
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let say = async |words: &[&str]| {
            let arguments: Vec<&str> = words.iter().copied().chain(["--stack", STACK]).collect();
            ibov::run(&arguments, &environment).await
        };
        let listed = say(&["queries"]).await?;
        assert_eq!(listed.code, Some(0), "{}", listed.stderr);
        for words in ["moves", "How each stock's weight moved", "2: later session, as 2026-11-20"] {
            assert!(listed.stdout.contains(words), "{words}: {}", listed.stdout);
        }

        let moves = ["query", "--name", "moves", "--param", FIRST, "--param", LAST];
        let moved = say(&moves).await?;
        assert_eq!(moved.code, Some(0), "{}", moved.stderr);
        let expected = lake.named("moves", &[FIRST, LAST]).await?;
        for cell in expected.rows.iter().flatten() {
            let cell = cell.as_deref().unwrap_or_default();
            assert!(moved.stdout.contains(cell), "{cell}: {}", moved.stdout);
        }

        let own = say(&["query", "SELECT 'it is ' || ? AS said", "--param", "so"]).await?;
        assert!(own.stdout.contains("it is so"), "{}{}", own.stdout, own.stderr);
        for (words, said) in [
            (&moves[..5], "query moves wants 2 times --param, not 1 (1: earlier session"),
            (
                &["query", "--name", "movse"][..],
                "keeps no query movse; did you mean moves? `ibov queries` lists them",
            ),
        ] {
            let refused = say(words).await?;
            assert_eq!(refused.code, Some(1), "{}", refused.stdout);
            assert!(refused.stderr.contains(said), "{}", refused.stderr);
        }
        Ok(())
    })
}
