//! The domain: one day's theoretical portfolio of an index.
//!
//! A [`Portfolio`] exists only if B3's answer agrees with itself and with what is known of the world
//! ([`Portfolio::from_pages`]), and its constituents stand in one order whatever order they came in. Two answers
//! with the same content are therefore equal, and have the same [`ContentHash`].

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
    /// The sector as B3 writes it: slashes, accents and double spaces included. Only its accents are composed (NFC).
    pub sector: Option<String>,
    /// The ticker.
    pub ticker: Ticker,
    /// The company's short name; not unique, and missing at times.
    pub asset: Option<String>,
    /// Share class and listing level, fixed-width; its middle changes from day to day. Missing at times.
    pub kind: Option<String>,
    /// Share of the portfolio.
    pub weight: Weight,
    /// The whole sector's share of the portfolio.
    pub sector_weight: Option<Weight>,
    /// Theoretical quantity, in shares.
    pub quantity: i64,
}

impl Portfolio {
    /// Puts the pages of one answer together and checks them, against each other and against the world.
    ///
    /// Checked are: that the pages are of one portfolio and do not overlap; the date and every number against B3's
    /// format; the date against the moment of the fetch ([`DAYS_BEFORE`], [`DAYS_AFTER`], no weekend); rows =
    /// totalRecords; no ticker twice; texts for damage; weights = 100 within 0.010, and = header within 0.001 a row,
    /// since each is rounded by itself; quantities = header exactly, and more than nothing; with sectors, each
    /// sector's weight = the sum of its rows, and a sector on nine rows in ten.
    ///
    /// # Errors
    /// The first [`Refusal`] found. The answer is then no data at all.
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
