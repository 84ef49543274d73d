//! The domain: one day's theoretical portfolio of an index.
//!
//! A [`Portfolio`] exists only if B3's answer reconciled with itself ([`Portfolio::from_answers`]), and
//! its constituents stand in one order whatever order they came in. Two answers with the same content
//! are therefore equal, and have the same [`ContentHash`].

mod content_hash;
mod refusal;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

pub use content_hash::ContentHash;
pub use refusal::Refusal;
pub use values::{IndexCode, InvalidIndexCode, InvalidSegment, Segment, Ticker, Weight};

use crate::b3::{Answer, Header, MAX_ROWS, Row, ptbr};

/// The most constituents a portfolio may have, on all its pages. The largest index, IBRA, has about 170;
/// all 34 together about 2,700.
pub const MAX_CONSTITUENTS: usize = MAX_ROWS;

/// One day's portfolio of one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// The index.
    pub index: IndexCode,
    /// Whether constituents know their sector.
    pub segment: Segment,
    /// The session the portfolio is for: B3's own date, not the day it was fetched.
    pub date: NaiveDate,
    /// Sum of the weights as B3 states it; 100 but for rounding.
    pub total_weight: Weight,
    /// Sum of the theoretical quantities, in shares.
    pub total_quantity: i64,
    /// The index's divisor with 8 decimals; B3 leaves it out or garbles it at times.
    pub reductor: Option<String>,
    /// In the order of sector and ticker.
    pub constituents: Vec<Constituent>,
}

/// One stock of a portfolio.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constituent {
    /// The sector as B3 writes it: slashes, accents and double spaces included.
    pub sector: Option<String>,
    /// The ticker.
    pub ticker: Ticker,
    /// The company's short name; not unique.
    pub asset: String,
    /// Share class and listing level, fixed-width; its middle changes from day to day.
    pub kind: String,
    /// Share of the portfolio.
    pub weight: Weight,
    /// The whole sector's share of the portfolio.
    pub sector_weight: Option<Weight>,
    /// Theoretical quantity, in shares.
    pub quantity: i64,
}

/// Something about an answer that is odd but harms nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The reductor could not be read and is left out.
    MalformedReductor(String),
}

impl Portfolio {
    /// Puts the pages of one answer together and reconciles them.
    ///
    /// Checked are: the date and every number against B3's format; rows = totalRecords; no ticker
    /// twice; quantities = header exactly; weights = header within 0.001 a row, since each is rounded
    /// by itself; with sectors, each sector's weight = the sum of its rows.
    ///
    /// # Errors
    /// The first [`Refusal`] found. The answer is then no data at all.
    pub fn from_answers(
        index: IndexCode,
        segment: Segment,
        answers: &[Answer],
    ) -> Result<(Self, Vec<Warning>), Refusal> {
        let first = answers.first().ok_or(Refusal::ResultsEmpty)?;
        let date = portfolio_date(&first.header)?;
        let rows = all_rows(answers)?;
        let mut constituents = rows
            .iter()
            .enumerate()
            .map(|(position, row)| constituent(segment, position + 1, row))
            .collect::<Result<Vec<_>, _>>()?;
        constituents.sort();
        no_ticker_twice(&constituents)?;
        let total_weight = total_weight(&first.header, &constituents)?;
        let total_quantity = total_quantity(&first.header, &constituents)?;
        sector_weights_add_up(&constituents)?;
        let (reductor, warnings) = reductor(&first.header);
        let portfolio =
            Self { index, segment, date, total_weight, total_quantity, reductor, constituents };
        Ok((portfolio, warnings))
    }
}

fn portfolio_date(header: &Header) -> Result<NaiveDate, Refusal> {
    let value = header.date.as_deref().ok_or(Refusal::DateAbsent)?;
    ptbr::date(value).map_err(|source| Refusal::Date { source })
}

fn all_rows(answers: &[Answer]) -> Result<Vec<&Row>, Refusal> {
    let mut rows = Vec::new();
    let mut stated = 0;
    for (position, answer) in answers.iter().enumerate() {
        let page = position + 1;
        stated = answer.page.total_records as usize;
        match answer.results.as_deref() {
            None if page == 1 => return Err(Refusal::ResultsNull),
            Some([]) if page == 1 => return Err(Refusal::ResultsEmpty),
            None | Some([]) => return Err(Refusal::PageEmpty { page }),
            Some(results) => rows.extend(results),
        }
    }
    if rows.len() > MAX_CONSTITUENTS {
        return Err(Refusal::TooManyRows { rows: rows.len() });
    }
    if rows.len() != stated {
        return Err(Refusal::RowCount { rows: rows.len(), stated });
    }
    Ok(rows)
}

fn constituent(segment: Segment, row_number: usize, row: &Row) -> Result<Constituent, Refusal> {
    let ticker: Ticker = required(row.cod.as_deref(), row_number, "cod")?
        .parse()
        .map_err(|_| Refusal::Ticker { row: row_number, value: shorten(row.cod.as_deref()) })?;
    let text = |value: Option<&str>, field| -> Result<String, Refusal> {
        let value = required(value, row_number, field)?;
        values::readable(value).then(|| value.to_owned()).ok_or(Refusal::Text {
            row: row_number,
            field,
            value: shorten(Some(value)),
        })
    };
    let format = |field, source| Refusal::Number { place: format!("{field} of {ticker}"), source };
    let weight = |value: Option<&str>, field| {
        ptbr::weight(required(value, row_number, field)?).map_err(|source| format(field, source))
    };
    let (sector, sector_weight) = match segment {
        Segment::BySector => (
            Some(text(row.segment.as_deref(), "segment")?),
            Some(weight(row.part_acum.as_deref(), "partAcum")?),
        ),
        Segment::ByTicker => (None, None),
    };
    Ok(Constituent {
        sector,
        asset: text(row.asset.as_deref(), "asset")?,
        kind: text(row.kind.as_deref(), "type")?,
        weight: weight(row.part.as_deref(), "part")?,
        sector_weight,
        quantity: ptbr::integer(required(
            row.theorical_qty.as_deref(),
            row_number,
            "theoricalQty",
        )?)
        .map_err(|source| format("theoricalQty", source))?,
        ticker,
    })
}

fn required<'a>(
    value: Option<&'a str>,
    row: usize,
    field: &'static str,
) -> Result<&'a str, Refusal> {
    value.ok_or(Refusal::FieldAbsent { row, field })
}

fn shorten(value: Option<&str>) -> String {
    ptbr::shortened(value.unwrap_or_default())
}

fn no_ticker_twice(constituents: &[Constituent]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match constituents.iter().find(|constituent| !seen.insert(&constituent.ticker)) {
        Some(constituent) => Err(Refusal::TickerTwice { ticker: constituent.ticker.clone() }),
        None => Ok(()),
    }
}

fn total_weight(header: &Header, constituents: &[Constituent]) -> Result<Weight, Refusal> {
    let value = header.part.as_deref().ok_or(Refusal::HeaderAbsent { field: "part" })?;
    let stated = ptbr::weight(value)
        .map_err(|source| Refusal::Number { place: "part of the header".to_owned(), source })?;
    let sum: u64 = constituents.iter().map(|each| u64::from(each.weight.thousandths())).sum();
    if sum.abs_diff(u64::from(stated.thousandths())) > constituents.len() as u64 {
        return Err(Refusal::WeightTotal { sum: values::percent(sum), stated });
    }
    Ok(stated)
}

fn total_quantity(header: &Header, constituents: &[Constituent]) -> Result<i64, Refusal> {
    let value =
        header.theorical_qty.as_deref().ok_or(Refusal::HeaderAbsent { field: "theoricalQty" })?;
    let stated = ptbr::integer(value).map_err(|source| Refusal::Number {
        place: "theoricalQty of the header".to_owned(),
        source,
    })?;
    let sum: i128 = constituents.iter().map(|each| i128::from(each.quantity)).sum();
    if sum != i128::from(stated) {
        return Err(Refusal::QuantityTotal { sum, stated });
    }
    Ok(stated)
}

fn sector_weights_add_up(constituents: &[Constituent]) -> Result<(), Refusal> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for constituent in constituents {
        if let Some(sector) = &constituent.sector {
            *sums.entry(sector).or_default() += u64::from(constituent.weight.thousandths());
        }
    }
    for constituent in constituents {
        if let (Some(sector), Some(stated)) = (&constituent.sector, constituent.sector_weight) {
            let sum = sums.get(sector.as_str()).copied().unwrap_or_default();
            if sum != u64::from(stated.thousandths()) {
                return Err(Refusal::SectorWeight {
                    sector: sector.clone(),
                    ticker: constituent.ticker.clone(),
                    sum: values::percent(sum),
                    stated,
                });
            }
        }
    }
    Ok(())
}

fn reductor(header: &Header) -> (Option<String>, Vec<Warning>) {
    match &header.reductor {
        None => (None, Vec::new()),
        Some(value) => match ptbr::reductor(value) {
            Some(reductor) => (Some(reductor), Vec::new()),
            None => (None, vec![Warning::MalformedReductor(shorten(Some(value)))]),
        },
    }
}

#[cfg(test)]
mod tests;
