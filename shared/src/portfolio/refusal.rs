//! Why an answer of B3's is not taken as data.

use super::{Ticker, Weight};
use crate::b3::ptbr::FormatError;

/// One thing about an answer that cannot be right. Asking again for the same bytes would not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // Each variant's message says what its fields are.
pub enum Refusal {
    #[error("results is null: B3 does not know the index, or has no portfolio of it")]
    ResultsNull,
    #[error("results is empty: the portfolio has no constituents")]
    ResultsEmpty,
    #[error("page {page} has no rows, although the first page announced it")]
    PageEmpty { page: usize },
    #[error("header.date is absent")]
    DateAbsent,
    #[error("header.date: {source}")]
    Date { source: FormatError },
    #[error("header.{field} is absent")]
    HeaderAbsent { field: &'static str },
    #[error("row {row} has no {field}")]
    FieldAbsent { row: usize, field: &'static str },
    #[error("row {row}: cod {value:?} is not a ticker such as PETR4 or BPAC11")]
    Ticker { row: usize, value: String },
    #[error("row {row}: {field} {value:?} is empty, too long or holds control characters")]
    Text { row: usize, field: &'static str, value: String },
    #[error("{place}: {source}")]
    Number { place: String, source: FormatError },
    #[error("{rows} rows are more than any index has")]
    TooManyRows { rows: usize },
    #[error("{rows} rows came, but totalRecords says {stated}")]
    RowCount { rows: usize, stated: usize },
    #[error("{ticker} stands twice in the portfolio")]
    TickerTwice { ticker: Ticker },
    #[error("the weights add up to {sum}, but header.part says {stated}")]
    WeightTotal { sum: String, stated: Weight },
    #[error("the quantities add up to {sum}, but header.theoricalQty says {stated}")]
    QuantityTotal { sum: i128, stated: i64 },
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
            Self::DateAbsent => "date-absent",
            Self::Date { source } => format(source, "date-malformed"),
            Self::HeaderAbsent { .. } | Self::FieldAbsent { .. } => "field-absent",
            Self::Ticker { .. } => "ticker-malformed",
            Self::Text { .. } => "text-malformed",
            Self::Number { source, .. } => format(source, "number-malformed"),
            Self::TooManyRows { .. } => "too-many-rows",
            Self::RowCount { .. } => "row-count",
            Self::TickerTwice { .. } => "ticker-twice",
            Self::WeightTotal { .. } => "weight-total",
            Self::QuantityTotal { .. } => "quantity-total",
            Self::SectorWeight { .. } => "sector-weight",
        }
    }
}
