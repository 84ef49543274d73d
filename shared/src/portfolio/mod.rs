//! The domain: one day's theoretical portfolio of an index.
//!
//! A [`Portfolio`] exists only if B3's answer is consistent and plausible ([`Portfolio::from_pages`]), and its
//! constituents are sorted. Two answers with the same content are therefore equal and have the same [`ContentHash`].

mod content_hash;
mod refusal;
mod rows;
mod session;
mod text;
mod totals;
mod warning;

use chrono::{DateTime, NaiveDate, Utc};

pub use content_hash::ContentHash;
pub use refusal::{Consequences, Refusal};
pub use session::{DAYS_AFTER, DAYS_BEFORE, ImplausibleDate, day_in_sao_paulo, is_weekday};
pub use text::TextError;
pub use warning::{OptionalField, Warning};

use crate::{
    b3::{Header, MAX_ROWS, PortfolioPage, ptbr},
    values::{IndexCode, Segment, Ticker, Weight},
};

/// Limit of constituents on all pages of a portfolio. The largest index, IBRA, has about 170; all 34 together have
/// about 2,700.
pub const MAX_CONSTITUENTS: usize = MAX_ROWS;

/// One day's portfolio of one index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    pub index: IndexCode,
    pub segment: Segment,
    /// The portfolio's session: the date that B3 states, not the day of the fetch.
    pub date: NaiveDate,
    /// Sum of the weights as stated by B3: 100, apart from rounding.
    pub total_weight: Weight,
    /// Sum of the theoretical quantities, in shares.
    pub total_quantity: i64,
    /// The index's divisor with 8 decimals. B3 sometimes omits or garbles it.
    pub reductor: Option<String>,
    /// Sorted by sector and ticker.
    pub constituents: Vec<Constituent>,
}

/// One stock of a portfolio.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constituent {
    /// As B3 writes it, including slashes, accents and double spaces, but in normal form C.
    pub sector: Option<String>,
    pub ticker: Ticker,
    /// The company's short name: not unique, and sometimes missing.
    pub asset: Option<String>,
    /// Share class and listing level, fixed-width. The middle changes from day to day. Sometimes missing.
    pub kind: Option<String>,
    /// Share of the portfolio.
    pub weight: Weight,
    /// The whole sector's share of the portfolio.
    pub sector_weight: Option<Weight>,
    /// Theoretical quantity, in shares.
    pub quantity: i64,
}

impl Portfolio {
    /// Assembles the pages of one answer and checks that
    ///
    /// - the pages are of one portfolio and do not overlap;
    /// - the date and every number have B3's format, and no text is damaged;
    /// - the date is plausible at the time of the fetch ([`DAYS_BEFORE`], [`DAYS_AFTER`], no weekend);
    /// - there are totalRecords rows, and no ticker twice;
    /// - the weights add up to 100 within 0.010, and to the header's total within 0.001 a row, since each is rounded by
    ///   itself;
    /// - the quantities add up to exactly the header's total, which is not zero;
    /// - with sectors, each sector's weight is the sum of its rows, and nine rows in ten have a sector.
    ///
    /// # Errors
    /// The first [`Refusal`] found. None of the answer is then used as data.
    pub fn from_pages(
        index: IndexCode,
        segment: Segment,
        fetched_at: DateTime<Utc>,
        pages: &[PortfolioPage],
    ) -> Result<(Self, Vec<Warning>), Refusal> {
        let (constituents, mut warnings) = rows::constituents(segment, pages)?;
        let header = pages.first().and_then(|first| first.header.as_ref());
        let header = header.ok_or(Refusal::HeaderNull)?;
        let date = portfolio_date(header, fetched_at)?;
        let total_weight = totals::weight(header, &constituents)?;
        let total_quantity = totals::quantity(header, &constituents)?;
        totals::sectors(&constituents)?;
        let (reductor, warning) = totals::reductor(header);
        warnings.extend(warning);
        let portfolio =
            Self { index, segment, date, total_weight, total_quantity, reductor, constituents };
        Ok((portfolio, warnings))
    }
}

fn portfolio_date(header: &Header, fetched_at: DateTime<Utc>) -> Result<NaiveDate, Refusal> {
    let value = header.date.text().map_err(|missing| Refusal::DateAbsent { missing })?;
    let date = ptbr::date(value).map_err(|source| Refusal::Date { source })?;
    session::plausible(date, fetched_at).map_err(|source| Refusal::DateImplausible { source })?;
    Ok(date)
}

#[cfg(test)]
mod tests;
