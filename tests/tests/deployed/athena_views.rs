//! Each view of `infra/athena/views` over the shared lake, its rows compared with sums over B3's answers. A test is
//! named after its view.

use anyhow::{Context as _, Result};
use chrono::Utc;
use e2e::{
    expected::{self, Row},
    local,
};
use rust_decimal::Decimal;

use crate::athena_lake::{DATES, Lake, Sector, Stock, lake, result, row};

#[test]
fn vw_ibov_setor_atual() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut sectors = lake.sectors()?;
        sectors.retain(|sector| sector.date == DATES[3]);
        let columns = ["setor", "data", "soma_part", "total_codigo", "soma_qtd_teorica"];
        let wanted = result(&columns, sorted(sectors.iter().map(sector_row)));
        assert_eq!(lake.view("vw_ibov_setor_atual").await?, wanted);
        Ok(())
    })
}

#[test]
fn vw_ibov_dias() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        // Midnight may come between the two.
        let earlier = with_age(lake, Utc::now())?;
        let found = lake.view("vw_ibov_dias").await?;
        let later = with_age(lake, Utc::now())?;
        assert!(found.rows == earlier || found.rows == later, "{found:?}");
        assert_eq!(found.columns.last().map(String::as_str), Some("dias_desde_carteira"));
        Ok(())
    })
}

fn with_age(lake: &Lake, now: chrono::DateTime<Utc>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for sector in lake.sectors()? {
        let days = expected::days_since(sector.date.parse()?, now)?;
        rows.push(sector_row(&sector).into_iter().chain(row([&days])).collect());
    }
    Ok(sorted(rows))
}

fn sector_row(sector: &Sector) -> Row {
    let sums = &sector.sums;
    let cells: [&dyn ToString; 5] =
        [&sector.name, &sector.date, &sums.soma_part, &sums.total_codigo, &sums.soma_qtd_teorica];
    row(cells)
}

#[test]
fn vw_ibov_carteira() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let columns = [
            "data",
            "setor",
            "codigo",
            "acao",
            "tipo",
            "participacao",
            "participacao_setor",
            "qtd_teorica",
        ];
        let constituent = |stock: &Stock| {
            let mut cells = row([
                &stock.date,
                &stock.sector,
                &stock.ticker,
                &stock.company,
                &stock.kind,
                &stock.weight,
            ]);
            cells.push(stock.sector_weight.map(|weight| weight.to_string()));
            cells.push(Some(stock.quantity.to_string()));
            cells
        };
        let wanted = result(&columns, sorted(lake.stocks()?.iter().map(constituent)));
        assert_eq!(lake.view("vw_ibov_carteira").await?, wanted);
        Ok(())
    })
}

#[test]
fn vw_ibov_movimentos() -> Result<()> {
    local::run(async {
        let lake = lake().await?;
        let mut rows = Vec::new();
        for (before, after) in DATES.iter().zip(DATES.iter().skip(1)) {
            let (old, new) = (lake.stocks_of(before)?, lake.stocks_of(after)?);
            for (ticker, stock) in &new {
                let weight = old.get(ticker).map(|stock| stock.weight);
                rows.push(movement(before, after, stock, weight, Some(stock.weight)));
            }
            for stock in old.values().filter(|stock| !new.contains_key(&stock.ticker)) {
                rows.push(movement(before, after, stock, Some(stock.weight), None));
            }
        }
        let columns = [
            "data",
            "data_anterior",
            "setor",
            "codigo",
            "acao",
            "participacao_anterior",
            "participacao",
            "variacao",
        ];
        assert_eq!(lake.view("vw_ibov_movimentos").await?, result(&columns, sorted(rows)));
        Ok(())
    })
}

fn movement(
    before: &str,
    after: &str,
    stock: &Stock,
    old: Option<Decimal>,
    new: Option<Decimal>,
) -> Row {
    let change = new.unwrap_or_default() - old.unwrap_or_default();
    let mut cells = row([&after, &before, &stock.sector, &stock.ticker, &stock.company]);
    cells.extend([old, new].map(|weight| weight.map(|weight| weight.to_string())));
    cells.push(Some(format!("{change:.3}")));
    cells
}

fn sorted(rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.into_iter().collect();
    rows.sort();
    rows
}

#[test]
fn every_view_has_a_test_of_its_name() -> Result<()> {
    let tests = include_str!("athena_views.rs");
    for file in std::fs::read_dir(local::in_workspace("infra/athena/views")?)? {
        let name = file?.path().file_stem().context("no name")?.to_string_lossy().into_owned();
        assert!(tests.contains(&format!("#[test]\nfn {name}() ")), "{name} has no test");
    }
    Ok(())
}
