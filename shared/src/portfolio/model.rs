//! The values of a portfolio.

use chrono::NaiveDate;

use crate::{
    b3::MAX_ROWS,
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
