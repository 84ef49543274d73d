//! Object keys: the layout of the bucket.
//!
//! ```text
//! landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json    B3's answer, whole
//! rejected/index=IBOV/20261120T130003.123Z-0123456789abcdef.json                   a refused answer
//! raw/date=2026-11-20/ibov_setor.parquet                                           one row a constituent
//! ```
//!
//! Keys parse and print. A text that does not print back to itself is not a valid key.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};

use serde::{Deserialize, Serialize};

use crate::{portfolio::ContentHash, values::IndexCode};

/// The time of a fetch and the hash of the answer. Orders the landing objects of a date: a later time is newer, and the
/// hash only separates answers of the same millisecond.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// In milliseconds.
    pub fetched_at: DateTime<Utc>,
    /// Of the portfolio, or of the bodies if there is no portfolio.
    pub content: ContentHash,
}

impl Stamp {
    /// Truncates the time to milliseconds, the precision of a key.
    pub fn new(fetched_at: DateTime<Utc>, content: ContentHash) -> Self {
        Self { fetched_at: fetched_at.trunc_subsecs(3), content }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.fetched_at.format("%Y%m%dT%H%M%S%.3fZ"), self.content)
    }
}

impl FromStr for Stamp {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (time, hash) = text.split_once("Z-")?;
            let time = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%S%.3f").ok()?;
            Some(Self { fetched_at: time.and_utc(), content: hash.parse().ok()? })
        };
        printed_back(text, parse())
    }
}

/// A text that is not a key of the lake, or a key of another kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key of this lake")]
pub struct InvalidKey(String);

/// Accepts only the spelling that we print, so that an object has exactly one key.
fn printed_back<K: fmt::Display>(text: &str, parsed: Option<K>) -> Result<K, InvalidKey> {
    const SHOWN: usize = 200;
    parsed
        .filter(|key| key.to_string() == text)
        .ok_or_else(|| InvalidKey(text.chars().take(SHOWN).collect()))
}

/// A complete answer of B3's, kept forever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LandingKey {
    pub index: IndexCode,
    /// The portfolio's session, as stated by B3.
    pub date: NaiveDate,
    /// Orders the objects of a date.
    pub stamp: Stamp,
}

impl LandingKey {
    pub const PREFIX: &str = "landing/";

    pub fn prefix_of_index(index: &IndexCode) -> String {
        format!("{}index={index}/", Self::PREFIX)
    }

    pub fn prefix_of(index: &IndexCode, date: NaiveDate) -> String {
        format!("{}date={date}/", Self::prefix_of_index(index))
    }
}

impl fmt::Display for LandingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}.json", Self::prefix_of(&self.index, self.date), self.stamp)
    }
}

impl FromStr for LandingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let rest = text.strip_prefix(Self::PREFIX)?.strip_prefix("index=")?;
            let (index, rest) = rest.split_once("/date=")?;
            let (date, file) = rest.split_once('/')?;
            Some(Self {
                index: index.parse().ok()?,
                date: date.parse().ok()?,
                stamp: file.strip_suffix(".json")?.parse().ok()?,
            })
        };
        printed_back(text, parse())
    }
}

impl From<LandingKey> for String {
    fn from(key: LandingKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for LandingKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

/// A refused answer, kept with the reason. Without a date, since none in the answer can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedKey {
    /// The requested index.
    pub index: IndexCode,
    pub stamp: Stamp,
}

impl fmt::Display for RejectedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "rejected/index={}/{}.json", self.index, self.stamp)
    }
}

/// The raw Parquet file of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawKey {
    /// The partition.
    pub date: NaiveDate,
    /// The same for all dates of a stack.
    pub file_name: FileName,
}

impl RawKey {
    pub const PREFIX: &str = "raw/";

    /// Accepts any well-formed file name.
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?.strip_prefix("date=")?;
        let (date, file_name) = rest.split_once('/')?;
        Some(Self { date: date.parse().ok()?, file_name: file_name.parse().ok()? })
    }
}

impl fmt::Display for RawKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}date={}/{}", Self::PREFIX, self.date, self.file_name.0)
    }
}

impl FromStr for RawKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        printed_back(text, Self::parse(text))
    }
}

/// The name of the raw file, such as `ibov_setor.parquet`: a letter or digit, then letters, digits, `.`, `_` and `-`,
/// ending in `.parquet`. Spark and Athena silently skip files whose names begin with `_` or `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a file name such as ibov_setor.parquet")]
pub struct InvalidFileName(String);

impl FromStr for FileName {
    type Err = InvalidFileName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let well_formed = text.len() <= 100
            && text.strip_suffix(".parquet").is_some_and(|stem| !stem.is_empty())
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.bytes().all(plain);
        well_formed
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidFileName(text.chars().take(100).collect()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANDING: &str =
        "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";

    #[test]
    fn landing_keys_parse_and_print() {
        let key: LandingKey = LANDING.parse().unwrap();
        assert_eq!(key.index.as_str(), "IBOV");
        assert_eq!(key.date.to_string(), "2026-11-20");
        assert_eq!(key.stamp.fetched_at.to_rfc3339(), "2026-11-20T13:00:03.123+00:00");
        assert_eq!(key.to_string(), LANDING);
    }

    #[test]
    fn other_spellings_are_no_keys() {
        for bad in [
            "",
            "landing/",
            "raw/date=2026-11-20/ibov_setor.parquet",
            "landing/index=IBOV/date=2026-1-20/20261120T130003.123Z-0123456789abcdef.json",
            "landing/index=IBOV/date=2026-11-20/20261120T130003.1Z-0123456789abcdef.json",
            "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789ABCDEF.json",
            "landing/index=IBOV/date=2026-11-20/x/20261120T130003.123Z-0123456789abcdef.json",
            "landing/index=../x/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json",
        ] {
            assert!(bad.parse::<LandingKey>().is_err(), "{bad}");
        }
        for bad in
            ["raw/date=2026-11-20/", "raw/date=2026-11-20/x/y.parquet", "raw/ibov.parquet", LANDING]
        {
            assert!(bad.parse::<RawKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn raw_keys_parse_and_print() {
        let text = "raw/date=2026-11-20/ibov_setor.parquet";
        let key: RawKey = text.parse().unwrap();
        assert_eq!(key.to_string(), text);
    }

    #[test]
    fn a_file_that_spark_and_athena_would_not_see_is_no_raw_file() {
        let examples: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/file-names.json")).unwrap();
        let names = |kind: &str| examples[kind].as_array().unwrap().clone();
        for name in names("accepted") {
            assert!(name.as_str().unwrap().parse::<FileName>().is_ok(), "{name}");
        }
        for name in names("refused") {
            let name = name.as_str().unwrap();
            assert!(name.parse::<FileName>().is_err(), "{name:?}");
            assert!(format!("raw/date=2026-11-20/{name}").parse::<RawKey>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn later_stamps_are_greater_and_the_hash_breaks_ties() {
        let stamp = |text: &str| text.parse::<Stamp>().unwrap();
        let earlier = stamp("20261120T130003.123Z-ffffffffffffffff");
        let later = stamp("20261120T130003.124Z-0000000000000000");
        let tie = stamp("20261120T130003.124Z-0000000000000001");
        assert!(earlier < later && later < tie);
    }

    fn stamps() -> impl Strategy<Value = Stamp> {
        (0_i64..4_102_444_800_000, "[0-9a-f]{16}").prop_map(|(millis, hash)| {
            Stamp::new(DateTime::from_timestamp_millis(millis).unwrap(), hash.parse().unwrap())
        })
    }

    proptest! {
        #[test]
        fn keys_survive_printing(stamp in stamps(), index in "[A-Z][A-Z0-9]{3}", days in 0_u64..40_000) {
            let date = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(days);
            let key = LandingKey { index: index.parse().unwrap(), date, stamp };
            prop_assert_eq!(key.to_string().parse::<LandingKey>(), Ok(key));
        }

        #[test]
        fn stamps_order_as_their_text(one in stamps(), other in stamps()) {
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,120}") {
            let _ = (text.parse::<LandingKey>(), text.parse::<RawKey>(), text.parse::<Stamp>());
        }
    }
}
