//! Queries of the stack's tables through Athena.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use aws_sdk_athena::types::{ColumnInfo, QueryExecutionContext, QueryExecutionState, Row};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

use crate::{aws::explain, stack::Stack};

const DEADLINE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Columns and rows, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryResult {
    pub columns: Vec<String>,
    /// Of each column.
    pub types: Vec<ColumnType>,
    /// `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What Athena says of a column's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnType {
    /// Such as `varchar`, `bigint` or `decimal`.
    pub name: String,
    pub precision: usize,
    /// Digits after the point.
    pub scale: usize,
}

/// One row of `tb_ibov_refined`; it serializes under the names of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sector {
    /// As B3 spells it.
    #[serde(rename = "setor")]
    pub name: String,
    /// In percent.
    #[serde(rename = "soma_part", serialize_with = "exact_number")]
    pub weight: Decimal,
    #[serde(rename = "total_codigo")]
    pub constituents: i64,
    /// Sum over the constituents.
    #[serde(rename = "soma_qtd_teorica")]
    pub quantity: i64,
    /// Days from the portfolio to the run.
    #[serde(rename = "dias_desde_carteira")]
    pub days: i32,
}

/// Writes a decimal as a JSON number with all its digits, `20.670`, not as the nearest binary fraction.
pub fn exact_number<S: Serializer>(
    decimal: &Decimal,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let number: Box<RawValue> =
        RawValue::from_string(decimal.to_string()).map_err(S::Error::custom)?;
    number.serialize(serializer)
}

/// The refined sectors of one date, heaviest first.
pub async fn sectors(stack: &Stack, date: NaiveDate) -> Result<Vec<Sector>> {
    let sql = format!(
        "SELECT setor, soma_part, total_codigo, soma_qtd_teorica, dias_desde_carteira FROM \"{}\".\"tb_ibov_refined\" WHERE data = DATE '{date}'",
        stack.output("DatabaseName")?
    );
    let result = query(stack, &sql).await?;
    let mut sectors = result.rows.iter().map(|row| sector(row)).collect::<Result<Vec<_>>>()?;
    sectors.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
    Ok(sectors)
}

/// The number of constituents that raw holds for one date.
pub async fn constituents(stack: &Stack, date: NaiveDate) -> Result<i64> {
    // Unlike the refined table's, this partition column is text, and Athena does not compare text with dates.
    let sql = format!(
        "SELECT count(*) AS constituents FROM \"{}\".\"tb_ibov_raw\" WHERE date = '{date}'",
        stack.output("DatabaseName")?
    );
    let result = query(stack, &sql).await?;
    let count = result
        .rows
        .first()
        .and_then(|row| row.first())
        .cloned()
        .flatten()
        .context("count(*) has no value")?;
    count.parse().with_context(|| format!("count(*) is {count:?}"))
}

/// Runs a query and reads all pages of its result.
pub async fn query(stack: &Stack, sql: &str) -> Result<QueryResult> {
    query_with(stack, sql, &[]).await
}

/// Runs a query with a text for each of its question marks, in the stack's workgroup, which says where results lie.
pub async fn query_with(stack: &Stack, sql: &str, texts: &[String]) -> Result<QueryResult> {
    let athena = &stack.clients.athena;
    let database = QueryExecutionContext::builder().database(stack.output("DatabaseName")?).build();
    let values = texts.iter().map(|text| text_literal(text)).collect::<Vec<_>>();
    let start = athena
        .start_query_execution()
        .query_string(sql)
        .query_execution_context(database)
        .work_group(stack.output("WorkGroupName")?)
        // Athena refuses an empty list.
        .set_execution_parameters((!values.is_empty()).then_some(values));
    let started = start.send().await.map_err(explain).context("Athena did not take the query")?;
    let id = started.query_execution_id().context("Athena gave the query no id")?;
    wait(stack, id).await.with_context(|| format!("query failed: {sql}"))?;
    let mut result = QueryResult::default();
    let mut pages = athena.get_query_results().query_execution_id(id).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explain).context("cannot read the query's answer")?;
        let set = page.result_set().context("Athena sent a page without results")?;
        let mut rows = set.rows().iter().map(cells).collect::<Vec<_>>();
        if result.columns.is_empty() {
            let metadata = set.result_set_metadata().map(|m| m.column_info()).unwrap_or_default();
            result.columns = metadata.iter().map(|column| column.name().to_owned()).collect();
            result.types = metadata.iter().map(ColumnType::from).collect();
            drop_heading(&result.columns, &mut rows);
        }
        result.rows.append(&mut rows);
    }
    Ok(result)
}

async fn wait(stack: &Stack, id: &str) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = stack
            .clients
            .athena
            .get_query_execution()
            .query_execution_id(id)
            .send()
            .await
            .map_err(explain)?;
        let status = answer.query_execution().and_then(|execution| execution.status());
        match status.and_then(|status| status.state()) {
            Some(QueryExecutionState::Succeeded) => return Ok(()),
            Some(QueryExecutionState::Failed | QueryExecutionState::Cancelled) => {
                bail!(
                    "{}",
                    status
                        .and_then(|status| status.state_change_reason())
                        .unwrap_or("Athena gives no reason")
                )
            }
            _ if Instant::now() > deadline => bail!("no answer after {} s", DEADLINE.as_secs()),
            _ => tokio::time::sleep(POLL).await,
        }
    }
}

impl From<&ColumnInfo> for ColumnType {
    fn from(column: &ColumnInfo) -> Self {
        let size = |number: i32| usize::try_from(number).unwrap_or_default();
        Self {
            name: column.r#type().to_owned(),
            precision: size(column.precision()),
            scale: size(column.scale()),
        }
    }
}

/// Athena takes a parameter as SQL: a text has its quotes.
fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn cells(row: &Row) -> Vec<Option<String>> {
    row.data().iter().map(|datum| datum.var_char_value().map(str::to_owned)).collect()
}

/// Athena repeats the names of the columns as the first row of a SELECT, but of no other statement.
fn drop_heading(columns: &[String], rows: &mut Vec<Vec<Option<String>>>) {
    let is_heading = rows.first().is_some_and(|row| {
        row.iter().map(Option::as_deref).eq(columns.iter().map(|name| Some(name.as_str())))
    });
    if is_heading {
        rows.remove(0);
    }
}

fn sector(row: &[Option<String>]) -> Result<Sector> {
    let [Some(name), Some(weight), Some(constituents), Some(quantity), Some(days)] = row else {
        bail!("tb_ibov_refined has a row with a missing value: {row:?}");
    };
    Ok(Sector {
        name: name.clone(),
        weight: weight.parse().with_context(|| format!("soma_part is {weight:?}"))?,
        constituents: constituents
            .parse()
            .with_context(|| format!("total_codigo is {constituents:?}"))?,
        quantity: quantity.parse().with_context(|| format!("soma_qtd_teorica is {quantity:?}"))?,
        days: days.parse().with_context(|| format!("dias_desde_carteira is {days:?}"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<Option<String>> {
        cells.iter().map(|&cell| Some(cell.to_owned())).collect()
    }

    #[test]
    fn only_the_heading_is_dropped() {
        let columns = ["a".to_owned(), "b".to_owned()];
        let mut rows = vec![row(&["a", "b"]), row(&["1", "2"])];
        drop_heading(&columns, &mut rows);
        drop_heading(&columns, &mut rows);
        assert_eq!(rows, [row(&["1", "2"])]);
    }

    #[test]
    fn a_parameter_is_a_text_whatever_is_in_it() {
        assert_eq!(text_literal("2026-11-20"), "'2026-11-20'");
        assert_eq!(text_literal("' OR 1 = 1 --"), "''' OR 1 = 1 --'");
    }

    #[test]
    fn decimals_keep_their_digits() {
        let sector =
            sector(&row(&["Bens Indls / Máqs e Equips", "2.700", "1", "5999999999", "3"])).unwrap();
        assert_eq!(sector.weight.to_string(), "2.700");
        assert_eq!(sector.quantity, 5_999_999_999);
        assert!(super::sector(&[Some("x".into()), None, None, None, None]).is_err());
    }
}
