//! Why an answer of B3's is refused as data.

use super::{ImplausibleDate, TextError};
use crate::{
    b3::{MAX_PAGES, Missing, ptbr::FormatError},
    failure::Code,
    values::{Ticker, Weight},
};

/// A contradiction or an implausible value in an answer.
///
/// A `place` is the path of a value in its page's JSON, with the ticker of its row if there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
        "{ticker} appears on page {first} and again on page {again}: the pages overlap, so other rows are missing"
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
    #[error("{announced} pages are announced, but no more than {MAX_PAGES} are read")]
    TooManyPages { announced: u32 },
    #[error("{rows} rows are more than any index has")]
    TooManyRows { rows: usize },
    #[error("{rows} rows came, but totalRecords says {stated}")]
    RowCount { rows: usize, stated: usize },
    #[error("{ticker} appears twice in the portfolio")]
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

/// How to handle a refused answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequences {
    pub code: Code,
    /// Whether the data or some of the rows are missing, so that asking again soon may bring them. Otherwise B3 has no
    /// other answer.
    pub may_pass_soon: bool,
    /// Why no copy of the answer can become data, whichever rule is repaired; `None` if one can.
    pub beyond_repair: Option<&'static str>,
}

impl Consequences {
    pub(crate) fn final_answer(code: Code) -> Self {
        Self { code, may_pass_soon: false, beyond_repair: None }
    }

    pub(crate) fn lacks_data(code: Code) -> Self {
        Self { may_pass_soon: true, ..Self::final_answer(code) }
    }

    pub(crate) fn beyond_repair(self, reason: &'static str) -> Self {
        Self { beyond_repair: Some(reason), ..self }
    }
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl Refusal {
    pub fn consequences(&self) -> Consequences {
        const NO_PORTFOLIO: &str = "there is no portfolio in it";
        const NOT_WHOLE: &str = "its pages are not one whole portfolio";
        const NO_DATE: &str = "without a date it has no place there";
        let missing = Consequences::lacks_data;
        let wrong = Consequences::final_answer;
        let format = |source: &FormatError, malformed| match source {
            FormatError::EnUs { .. } => wrong(Code::EnUsFormat),
            FormatError::Malformed { .. } => wrong(malformed),
        };
        match self {
            Self::ResultsNull => missing(Code::ResultsNull).beyond_repair(NO_PORTFOLIO),
            Self::ResultsEmpty => missing(Code::ResultsEmpty).beyond_repair(NO_PORTFOLIO),
            Self::PageEmpty { .. } => missing(Code::PageMissing).beyond_repair(NOT_WHOLE),
            Self::PagesDiffer { .. } => missing(Code::ChangedBetweenPages).beyond_repair(NOT_WHOLE),
            Self::PagesOverlap { .. } => missing(Code::PagesOverlap).beyond_repair(NOT_WHOLE),
            Self::HeaderNull => missing(Code::FieldAbsent).beyond_repair(NO_DATE),
            Self::RowCount { rows, stated } if rows < stated => missing(Code::RowCount),
            Self::RowCount { .. } => wrong(Code::RowCount),
            Self::DateAbsent { .. } => wrong(Code::DateAbsent).beyond_repair(NO_DATE),
            Self::Date { source } => format(source, Code::DateMalformed),
            Self::DateImplausible { .. } => wrong(Code::DateImplausible),
            Self::FieldAbsent { .. } => wrong(Code::FieldAbsent),
            Self::Ticker { .. } => wrong(Code::TickerMalformed),
            Self::Text { source, .. } if source.is_damage() => wrong(Code::TextDamaged),
            Self::Text { .. } => wrong(Code::TextMalformed),
            Self::Number { source, .. } => format(source, Code::NumberMalformed),
            Self::TooManyPages { .. } => wrong(Code::TooManyPages),
            Self::TooManyRows { .. } => wrong(Code::TooManyRows),
            Self::TickerTwice { .. } => wrong(Code::TickerTwice),
            Self::SectorsAbsent { .. } => wrong(Code::SectorsAbsent),
            Self::WeightTotal { .. } | Self::NotAWhole { .. } => wrong(Code::WeightTotal),
            Self::QuantityTotal { .. } | Self::NoQuantity => wrong(Code::QuantityTotal),
            Self::SectorWeight { .. } => wrong(Code::SectorWeight),
        }
    }
}
