//! Why an answer of B3's is not taken as data.

use super::{ImplausibleDate, TextError, Ticker, Weight};
use crate::b3::{MAX_PAGES, Missing, ptbr::FormatError};

/// One thing about an answer that cannot be right.
///
/// A `place` is the path of a value in its page's JSON, with the ticker of its row where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // Each variant's message says what its fields are.
pub enum Refusal {
    #[error("results is null: B3 does not know the index, or has no portfolio of it")]
    ResultsNull,
    #[error("results is empty: the portfolio has no constituents")]
    ResultsEmpty,
    #[error("page {page} has no rows, although the first page announced it")]
    PageEmpty { page: usize },
    #[error(
        "{field} changed from {first:?} to {now:?} at page {page}: the pages are of two portfolios, because a new one was being published"
    )]
    PagesDiffer { page: usize, field: &'static str, first: String, now: String },
    #[error(
        "{ticker} stands on page {first} and again on page {again}: the pages overlap, so that others are missing"
    )]
    PagesOverlap { ticker: Ticker, first: usize, again: usize },
    #[error("header is null, although there are results")]
    HeaderNull,
    #[error("header.date is {missing}")]
    DateAbsent { missing: Missing },
    #[error("header.date: {source}")]
    Date { source: FormatError },
    #[error("header.date says {source}")]
    DateImplausible { source: ImplausibleDate },
    #[error("{place} is {missing}")]
    FieldAbsent { place: String, missing: Missing },
    #[error("{place}: {value:?} is not a ticker such as PETR4 or BPAC11")]
    Ticker { place: String, value: String },
    #[error("{place}: {value:?} {source}")]
    Text { place: String, value: String, source: TextError },
    #[error("{place}: {source}")]
    Number { place: String, source: FormatError },
    #[error("{announced} pages are announced, and no more than {MAX_PAGES} are followed")]
    TooManyPages { announced: u32 },
    #[error("{rows} rows are more than any index has")]
    TooManyRows { rows: usize },
    #[error("{rows} rows came, but totalRecords says {stated}")]
    RowCount { rows: usize, stated: usize },
    #[error("{ticker} stands twice in the portfolio")]
    TickerTwice { ticker: Ticker },
    #[error("{without} of {rows} rows have no sector, although segment 2 was asked for")]
    SectorsAbsent { without: usize, rows: usize },
    #[error("the weights add up to {sum}, but header.part says {stated}")]
    WeightTotal { sum: String, stated: Weight },
    #[error("the weights add up to {sum}, and those of a whole index to 100")]
    NotAWhole { sum: String },
    #[error("the quantities add up to {sum}, but header.theoricalQty says {stated}")]
    QuantityTotal { sum: i128, stated: i64 },
    #[error("the quantities add up to 0: there are no shares in the portfolio")]
    NoQuantity,
    #[error("the weights of {sector:?} add up to {sum}, but partAcum of {ticker} says {stated}")]
    SectorWeight { sector: String, ticker: Ticker, sum: String, stated: Weight },
}

impl Refusal {
    /// A stable name for logs, alerts and dead-letter attributes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        let format = |source: &FormatError, malformed| match source {
            FormatError::EnUs { .. } => "en-us-format",
            FormatError::Malformed { .. } => malformed,
        };
        match self {
            Self::ResultsNull => "results-null",
            Self::ResultsEmpty => "results-empty",
            Self::PageEmpty { .. } => "page-missing",
            Self::PagesDiffer { .. } => "changed-between-pages",
            Self::PagesOverlap { .. } => "pages-overlap",
            Self::DateAbsent { .. } => "date-absent",
            Self::Date { source } => format(source, "date-malformed"),
            Self::DateImplausible { .. } => "date-implausible",
            Self::HeaderNull | Self::FieldAbsent { .. } => "field-absent",
            Self::Ticker { .. } => "ticker-malformed",
            Self::Text { source, .. } if source.is_damage() => "text-damaged",
            Self::Text { .. } => "text-malformed",
            Self::Number { source, .. } => format(source, "number-malformed"),
            Self::TooManyPages { .. } => "too-many-pages",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::RowCount { .. } => "row-count",
            Self::TickerTwice { .. } => "ticker-twice",
            Self::SectorsAbsent { .. } => "sectors-absent",
            Self::WeightTotal { .. } | Self::NotAWhole { .. } => "weight-total",
            Self::QuantityTotal { .. } | Self::NoQuantity => "quantity-total",
            Self::SectorWeight { .. } => "sector-weight",
        }
    }

    /// Whether the answer lacks data, all of it or some of its rows, so that asking again soon may bring it. All others
    /// are the answer that B3 has.
    #[must_use]
    pub fn may_pass_soon(&self) -> bool {
        match self {
            Self::ResultsNull
            | Self::ResultsEmpty
            | Self::PageEmpty { .. }
            | Self::PagesDiffer { .. }
            | Self::PagesOverlap { .. }
            | Self::HeaderNull => true,
            Self::RowCount { rows, stated } => rows < stated,
            Self::DateAbsent { .. }
            | Self::Date { .. }
            | Self::DateImplausible { .. }
            | Self::FieldAbsent { .. }
            | Self::Ticker { .. }
            | Self::Text { .. }
            | Self::Number { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyRows { .. }
            | Self::TickerTwice { .. }
            | Self::SectorsAbsent { .. }
            | Self::WeightTotal { .. }
            | Self::NotAWhole { .. }
            | Self::QuantityTotal { .. }
            | Self::NoQuantity
            | Self::SectorWeight { .. } => false,
        }
    }

    /// Why such an answer cannot become data, whatever rule is repaired; `None` if it can.
    #[must_use]
    pub fn beyond_repair(&self) -> Option<&'static str> {
        match self {
            Self::ResultsNull | Self::ResultsEmpty => Some("there is no portfolio in it"),
            Self::PageEmpty { .. } | Self::PagesDiffer { .. } | Self::PagesOverlap { .. } => {
                Some("its pages are not one whole portfolio")
            }
            Self::HeaderNull | Self::DateAbsent { .. } => {
                Some("without a date it has no place there")
            }
            Self::Date { .. }
            | Self::DateImplausible { .. }
            | Self::FieldAbsent { .. }
            | Self::Ticker { .. }
            | Self::Text { .. }
            | Self::Number { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyRows { .. }
            | Self::RowCount { .. }
            | Self::TickerTwice { .. }
            | Self::SectorsAbsent { .. }
            | Self::WeightTotal { .. }
            | Self::NotAWhole { .. }
            | Self::QuantityTotal { .. }
            | Self::NoQuantity
            | Self::SectorWeight { .. } => None,
        }
    }
}
