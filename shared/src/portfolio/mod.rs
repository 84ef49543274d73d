//! The domain: one day's theoretical portfolio of an index.
//!
//! A [`Portfolio`] exists only if B3's answer is consistent and plausible ([`Portfolio::from_pages`]), and its
//! constituents are sorted. Two answers with the same content are therefore equal and have the same [`ContentHash`].

mod content_hash;
mod model;
mod refusal;
mod rows;
mod session;
mod text;
mod totals;
mod warning;

use chrono::{DateTime, NaiveDate, Utc};

pub use content_hash::ContentHash;
pub use model::{Constituent, MAX_CONSTITUENTS, Portfolio};
pub use refusal::{Consequences, Refusal};
pub use session::{DAYS_AFTER, DAYS_BEFORE, ImplausibleDate, day_in_sao_paulo, is_weekday};
pub use text::TextError;
pub use warning::{OptionalField, Warning};

use crate::{
    b3::{Header, PortfolioPage, ptbr},
    values::{IndexCode, Segment},
};

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
