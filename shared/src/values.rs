//! The small values of a portfolio. Each is checked once, on parsing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The code of a B3 index, such as `IBOV`: four capital letters or digits, the first a letter. All 34 known indices
/// have this form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IndexCode(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an index code such as IBOV: four capital letters or digits")]
pub struct InvalidIndexCode(String);

impl FromStr for IndexCode {
    type Err = InvalidIndexCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = text.len() == 4
            && text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        match well_formed {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidIndexCode(text.chars().take(40).collect())),
        }
    }
}

/// How B3 lists a portfolio: its `segment` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Segment {
    /// `1`: by ticker; no sectors.
    ByTicker,
    /// `2`: by sector; every row has one.
    BySector,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a segment: 1 lists by ticker, 2 by sector")]
pub struct InvalidSegment(String);

impl FromStr for Segment {
    type Err = InvalidSegment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" => Ok(Self::ByTicker),
            "2" => Ok(Self::BySector),
            other => Err(InvalidSegment(other.chars().take(40).collect())),
        }
    }
}

impl Segment {
    fn as_str(self) -> &'static str {
        match self {
            Self::ByTicker => "1",
            Self::BySector => "2",
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<Segment> for String {
    fn from(segment: Segment) -> Self {
        segment.as_str().to_owned()
    }
}

impl TryFrom<String> for Segment {
    type Error = InvalidSegment;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A B3 ticker: four to twelve capital letters and digits, in any order (`PETR4`, `2WAV3`, `BBFI11B`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticker(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ticker")]
pub struct InvalidTicker;

impl FromStr for Ticker {
    type Err = InvalidTicker;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = (4..=12).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidTicker)
    }
}

macro_rules! text_value {
    ($($name:ident),*) => {$(
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )*};
}

text_value!(IndexCode, Ticker);

impl TryFrom<String> for IndexCode {
    type Error = InvalidIndexCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A percentage with three decimals, held as thousandths of a percent: DECIMAL(6,3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

impl Weight {
    const MAX_THOUSANDTHS: u32 = 999_999;

    /// `None` above six digits.
    pub fn from_thousandths(thousandths: u32) -> Option<Self> {
        (thousandths <= Self::MAX_THOUSANDTHS).then_some(Self(thousandths))
    }

    pub fn thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Percent(u64::from(self.0)).fmt(formatter)
    }
}

/// Thousandths of a percent. Displays in plain notation, such as `2.663`.
pub(crate) struct Percent(pub(crate) u64);

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickers() {
        for good in
            ["PETR4", "B3SA3", "BPAC11", "A1MD34", "2WAV3", "BBFI11B", "ABCD", "TAXA100DI123"]
        {
            assert_eq!(good.parse::<Ticker>().unwrap().as_str(), good);
        }
        for bad in ["", "PET", "petr4", "PETR456789012", "PETR4 ", "PÉTR4", "PE/R4", "PETR-4"] {
            assert!(bad.parse::<Ticker>().is_err(), "{bad}");
        }
    }

    #[test]
    fn index_codes() {
        assert_eq!("ICO2".parse::<IndexCode>().unwrap().as_str(), "ICO2");
        for bad in ["", "ibov", "IBOVX", "../x", "2IBO", "IB V"] {
            assert!(bad.parse::<IndexCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn weights_print_three_decimals() {
        assert_eq!(Weight::from_thousandths(63).unwrap().to_string(), "0.063");
        assert_eq!(Weight::from_thousandths(1_000_000), None);
    }
}
