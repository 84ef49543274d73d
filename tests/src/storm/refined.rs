//! Reads all refined rows through Athena.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use chrono::NaiveDate;
use harness::stack::athena;

use super::field::Field;
use crate::expected::Refined;

const QUERY: &str =
    "SELECT data, setor, soma_part, total_codigo, soma_qtd_teorica FROM tb_ibov_refined";

/// The rows of each date, by sector.
pub(super) async fn rows(field: &Field) -> Result<BTreeMap<NaiveDate, BTreeMap<String, Refined>>> {
    let answer = athena::query(&field.stack, QUERY).await?;
    let mut dates: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for row in &answer.rows {
        let [Some(date), Some(sector), Some(weight), Some(constituents), Some(quantity)] =
            row.as_slice()
        else {
            bail!("tb_ibov_refined has a row with a missing value: {row:?}");
        };
        let number = |text: &str| text.parse().with_context(|| format!("{text:?} is no number"));
        let refined = Refined {
            soma_part: weight.parse().with_context(|| format!("{weight:?} is no weight"))?,
            total_codigo: number(constituents)?,
            soma_qtd_teorica: number(quantity)?,
        };
        let date: NaiveDate = date.parse().with_context(|| format!("{date:?} is no date"))?;
        if dates.entry(date).or_default().insert(sector.clone(), refined).is_some() {
            bail!("tb_ibov_refined has two rows for {date} and {sector}");
        }
    }
    Ok(dates)
}
