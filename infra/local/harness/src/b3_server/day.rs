//! One day's portfolio as B3 sends it: Brazilian numbers and dates, every field a text.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::portfolio::{day_in_sao_paulo, is_weekday};

/// The bundled portfolio: real constituents and sectors, made-up weights and quantities.
const SAMPLE: &str = include_str!("../../../../../events/b3-portfolio-day.json");

/// The content of a `GetPortfolioDay` answer. Every field is public text, so that a test can spoil it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub header: Header,
    /// The constituents, in the order of the pages.
    pub results: Vec<Row>,
}

/// The `header` of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// `dd/mm/yy`.
    pub date: String,
    pub text: String,
    /// Sum of the weights, three decimals, decimal comma.
    pub part: String,
    /// The same again for segment 2, null for segment 1.
    pub part_acum: Option<String>,
    pub text_reductor: String,
    /// The index's divisor, eight decimals.
    pub reductor: Option<String>,
    /// Sum of the quantities.
    pub theorical_qty: String,
}

/// One element of `results`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Sector; null for segment 1.
    pub segment: Option<String>,
    /// Ticker.
    pub cod: String,
    /// Company.
    pub asset: String,
    /// Kind of share, fixed width.
    pub r#type: String,
    /// Weight in percent, three decimals, decimal comma.
    pub part: String,
    /// Weight of the whole sector; null for segment 1.
    pub part_acum: Option<String>,
    /// Quantity, with dots between thousands.
    pub theorical_qty: String,
}

/// A constituent in numbers, to build a [`Day`] from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub sector: String,
    /// Ticker.
    pub cod: String,
    /// Company.
    pub asset: String,
    /// Weight in thousandths of a percent: 100,000 is the whole index.
    pub weight_thousandths: i64,
    pub quantity: i64,
}

impl Day {
    /// The bundled sample, dated for the session that B3 would answer with now: the fetcher refuses an older date.
    pub fn sample() -> Result<Self> {
        let sample = Self::parse(SAMPLE).context("the bundled sample events/b3-portfolio-day.json");
        Ok(sample?.dated(next_session()))
    }

    /// The same portfolio for another session.
    pub fn dated(mut self, date: NaiveDate) -> Self {
        self.header.date = date.format("%d/%m/%y").to_string();
        self
    }

    /// Reads a whole answer, as recorded or as bundled.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("not a GetPortfolioDay answer")
    }

    /// A portfolio that reconciles, with B3's totals computed from the holdings.
    pub fn from_holdings(date: NaiveDate, holdings: &[Holding]) -> Self {
        let mut sectors: BTreeMap<&str, i64> = BTreeMap::new();
        for holding in holdings {
            *sectors.entry(&holding.sector).or_default() += holding.weight_thousandths;
        }
        let total = decimal(holdings.iter().map(|h| h.weight_thousandths).sum());
        let row = |h: &Holding| Row {
            segment: Some(h.sector.clone()),
            cod: h.cod.clone(),
            asset: h.asset.clone(),
            r#type: "ON      NM".to_owned(),
            part: decimal(h.weight_thousandths),
            part_acum: sectors.get(h.sector.as_str()).copied().map(decimal),
            theorical_qty: thousands(h.quantity),
        };
        Self {
            header: Header {
                date: String::new(),
                text: "Quantidade Teórica Total".to_owned(),
                part: total.clone(),
                part_acum: Some(total),
                text_reductor: "Redutor".to_owned(),
                reductor: Some("1.000.000,00000000".to_owned()),
                theorical_qty: thousands(holdings.iter().map(|h| h.quantity).sum()),
            },
            results: holdings.iter().map(row).collect(),
        }
        .dated(date)
    }

    pub fn date(&self) -> Result<NaiveDate> {
        NaiveDate::parse_from_str(&self.header.date, "%d/%m/%y")
            .with_context(|| format!("date {:?} is not dd/mm/yy", self.header.date))
    }

    /// The same day as segment 1 has it: without sectors.
    pub fn without_sectors(mut self) -> Self {
        self.header.part_acum = None;
        for row in &mut self.results {
            row.segment = None;
            row.part_acum = None;
        }
        self
    }

    /// The same day as `language: en-us` has it: separators swapped, month before day.
    pub fn in_english(mut self) -> Self {
        if let Ok(date) = self.date() {
            self.header.date = date.format("%m/%d/%y").to_string();
        }
        let header = &mut self.header;
        for text in [
            Some(&mut header.part),
            header.part_acum.as_mut(),
            header.reductor.as_mut(),
            Some(&mut header.theorical_qty),
        ] {
            swap_separators(text);
        }
        for row in &mut self.results {
            for text in [Some(&mut row.part), row.part_acum.as_mut(), Some(&mut row.theorical_qty)]
            {
                swap_separators(text);
            }
        }
        self
    }

    /// One page as B3 sends it. `page_number` counts from 1; a page past the end has no results.
    pub fn page(&self, page_number: usize, page_size: usize) -> Value {
        let page_size = page_size.max(1);
        let rows: Vec<&Row> = self
            .results
            .iter()
            .skip(page_number.saturating_sub(1).saturating_mul(page_size))
            .take(page_size)
            .collect();
        json!({
            "page": {
                "pageNumber": page_number,
                "pageSize": page_size,
                "totalRecords": self.results.len(),
                "totalPages": self.results.len().div_ceil(page_size),
            },
            "header": self.header,
            "results": rows,
        })
    }
}

/// The weekday that B3 would answer with now: today, or at a weekend the Monday after it.
pub fn next_session() -> NaiveDate {
    let today = day_in_sao_paulo(Utc::now());
    today.iter_days().find(|date| is_weekday(*date)).unwrap_or(today)
}

/// Thousandths as B3 prints a percentage: `2,663`.
fn decimal(thousandths: i64) -> String {
    format!("{},{:03}", thousandths / 1000, thousandths % 1000)
}

/// An integer as B3 prints it: `1.243.177.587`.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

fn swap_separators(text: Option<&mut String>) {
    if let Some(text) = text {
        *text = text
            .chars()
            .map(|c| match c {
                '.' => ',',
                ',' => '.',
                other => other,
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unscaled(text: &str) -> i64 {
        text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }

    #[test]
    fn the_bundled_sample_reconciles() {
        let today = day_in_sao_paulo(Utc::now());
        let day = Day::sample().unwrap();
        assert!((0..=3).contains(&(day.date().unwrap() - today).num_days()));
        assert!(is_weekday(day.date().unwrap()));
        assert_eq!(day.header.part, "100,000");
        assert_eq!(day.results.iter().map(|r| unscaled(&r.part)).sum::<i64>(), 100_000);
        assert_eq!(
            day.results.iter().map(|r| unscaled(&r.theorical_qty)).sum::<i64>(),
            unscaled(&day.header.theorical_qty)
        );
        let mut sectors: BTreeMap<_, i64> = BTreeMap::new();
        for row in &day.results {
            *sectors.entry(row.segment.clone().unwrap()).or_default() += unscaled(&row.part);
        }
        for row in &day.results {
            assert_eq!(
                unscaled(row.part_acum.as_ref().unwrap()),
                sectors[row.segment.as_ref().unwrap()],
                "{}",
                row.cod
            );
        }
    }

    #[test]
    fn numbers_are_printed_as_b3_prints_them() {
        assert_eq!(decimal(2_663), "2,663");
        assert_eq!(decimal(70), "0,070");
        assert_eq!(thousands(1_243_177_587), "1.243.177.587");
        assert_eq!(thousands(999), "999");
    }

    #[test]
    fn pages_cover_every_row_once() {
        let day = Day::sample().unwrap();
        let size = 30;
        let served: usize =
            (1..=3).map(|n| day.page(n, size)["results"].as_array().unwrap().len()).sum();
        assert_eq!(served, day.results.len());
        assert_eq!(day.page(1, size)["page"]["totalPages"], 3);
        assert!(day.page(4, size)["results"].as_array().unwrap().is_empty());
    }

    #[test]
    fn english_swaps_separators_and_day_and_month() {
        let date = NaiveDate::from_ymd_opt(2026, 11, 19).unwrap();
        let english = Day::sample().unwrap().dated(date).in_english();
        assert_eq!(english.header.date, "11/19/26");
        assert_eq!(english.header.part, "100.000");
        assert!(english.header.theorical_qty.contains(','));
    }
}
