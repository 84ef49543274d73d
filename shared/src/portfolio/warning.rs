//! Oddities of a portfolio that are harmless.

use std::fmt;

use crate::values::Ticker;

/// An oddity of an answer that otherwise adds up, so that the day is data all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The reductor could not be read and is left out. `value` is cut to a readable length.
    ReductorMalformed { value: String },
    /// Rows lack a field that nothing is computed from. The field is null in the data.
    FieldAbsent {
        field: OptionalField,
        /// In the portfolio's order; never empty.
        tickers: Vec<Ticker>,
    },
}

/// A field that a row may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptionalField {
    /// Expected with segment 2 only. Sums by sector count the row under no sector.
    Sector,
    Asset,
    Kind,
    /// Expected with segment 2 only.
    SectorWeight,
}

impl OptionalField {
    /// B3's name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sector => "segment",
            Self::Asset => "asset",
            Self::Kind => "type",
            Self::SectorWeight => "partAcum",
        }
    }
}

impl Warning {
    /// A stable name for logs and programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ReductorMalformed { .. } => "reductor-malformed",
            Self::FieldAbsent { field: OptionalField::Sector, .. } => "sector-absent",
            Self::FieldAbsent { field: OptionalField::Asset, .. } => "asset-absent",
            Self::FieldAbsent { field: OptionalField::Kind, .. } => "type-absent",
            Self::FieldAbsent { field: OptionalField::SectorWeight, .. } => "sector-weight-absent",
        }
    }

    /// Number of rows concerned; 1 if the warning is about the whole portfolio.
    pub fn count(&self) -> usize {
        match self {
            Self::ReductorMalformed { .. } => 1,
            Self::FieldAbsent { tickers, .. } => tickers.len(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 5;
        match self {
            Self::ReductorMalformed { value } => {
                write!(formatter, "the reductor {value:?} cannot be read and is left out")
            }
            Self::FieldAbsent { field, tickers } => {
                let rows = if tickers.len() == 1 { "row has" } else { "rows have" };
                let named: Vec<_> = tickers.iter().take(NAMED).map(Ticker::as_str).collect();
                let more = if tickers.len() > NAMED { ", …" } else { "" };
                write!(
                    formatter,
                    "{} {rows} no {}: {}{more}",
                    tickers.len(),
                    field.name(),
                    named.join(", ")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_the_first_rows_and_counts_all() {
        let tickers: Vec<Ticker> =
            (1..=7).map(|number| format!("ABCD{number}").parse().unwrap()).collect();
        let absent = |tickers: &[Ticker]| Warning::FieldAbsent {
            field: OptionalField::Kind,
            tickers: tickers.to_vec(),
        };
        assert_eq!(absent(&tickers[..1]).to_string(), "1 row has no type: ABCD1");
        let all = absent(&tickers);
        assert_eq!(all.to_string(), "7 rows have no type: ABCD1, ABCD2, ABCD3, ABCD4, ABCD5, …");
        assert_eq!((all.kind(), all.count()), ("type-absent", 7));
    }
}
