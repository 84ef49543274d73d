//! The expected content of the lake, computed from B3's answer without any of the pipeline's own code.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use harness::{b3_server::Day, stack::athena::Sector};
use rust_decimal::Decimal;

/// The sector of constituents without one.
pub const NO_SECTOR: &str = "Sem setor";

/// A row of a table, each value in plain notation. `None` is null.
pub type Row = Vec<Option<String>>;

/// The rows of raw, ordered by ticker: segment, cod, asset, type, part, partAcum, theoricalQty, `DataCarteira`.
pub fn raw(day: &Day) -> Result<Vec<Row>> {
    let date = day.date()?;
    let mut rows = Vec::new();
    for row in &day.results {
        rows.push(vec![
            row.segment.clone(),
            Some(row.cod.clone()),
            Some(row.asset.clone()),
            Some(row.r#type.clone()),
            Some(weight(&row.part)?.to_string()),
            row.part_acum.as_deref().map(weight).transpose()?.map(|weight| weight.to_string()),
            Some(quantity(&row.theorical_qty)?.to_string()),
            Some(date.to_string()),
        ]);
    }
    sort_by_ticker(&mut rows);
    Ok(rows)
}

/// Puts raw rows into the order of [`raw`].
pub fn sort_by_ticker(rows: &mut [Row]) {
    rows.sort_by_key(|row| row.get(1).cloned().flatten());
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refined {
    pub soma_part: Decimal,
    pub total_codigo: i64,
    pub soma_qtd_teorica: i64,
}

/// The rows of refined, by sector.
pub fn refined(day: &Day) -> Result<BTreeMap<String, Refined>> {
    let mut sectors: BTreeMap<String, Refined> = BTreeMap::new();
    for row in &day.results {
        let sector =
            sectors.entry(row.segment.clone().unwrap_or_else(|| NO_SECTOR.to_owned())).or_default();
        sector.soma_part += weight(&row.part)?;
        sector.total_codigo += 1;
        sector.soma_qtd_teorica += quantity(&row.theorical_qty)?;
    }
    Ok(sectors)
}

/// Athena's rows in the form of [`refined`].
pub fn by_sector(answered: &[Sector]) -> BTreeMap<String, Refined> {
    let refined = |sector: &Sector| Refined {
        soma_part: sector.weight,
        total_codigo: sector.constituents,
        soma_qtd_teorica: sector.quantity,
    };
    answered.iter().map(|sector| (sector.name.clone(), refined(sector))).collect()
}

/// Days from a portfolio's date to `now` in São Paulo, which has had no summer time since 2019.
pub fn days_since(date: NaiveDate, now: DateTime<Utc>) -> Result<i64> {
    const THREE_HOURS: i32 = 3 * 3600;
    let sao_paulo = FixedOffset::west_opt(THREE_HOURS).context("three hours are no offset")?;
    Ok((now.with_timezone(&sao_paulo).date_naive() - date).num_days())
}

/// `2,663`.
fn weight(text: &str) -> Result<Decimal> {
    let (_, decimals) =
        text.split_once(',').with_context(|| format!("{text:?} has no decimal comma"))?;
    ensure!(decimals.len() == 3, "{text:?} has not three decimals");
    text.replace(',', ".").parse().with_context(|| format!("{text:?} is no weight"))
}

/// `1.243.177.587`.
fn quantity(text: &str) -> Result<i64> {
    text.replace('.', "").parse().with_context(|| format!("{text:?} is no quantity"))
}
