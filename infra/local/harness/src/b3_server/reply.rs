//! The ways in which B3 answers, the good one and those that were seen to go wrong.

use std::{str::FromStr, time::Duration};

use anyhow::bail;

/// How one request for a portfolio is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The portfolio that was asked for, paged.
    Portfolio,
    /// 200 with an HTML body, as the site's maintenance page comes.
    Html,
    /// This status with an HTML body.
    Status(u16),
    /// 302 to an error page that itself answers 200.
    RedirectToErrorPage,
    /// 200, well formed, `results: null`: what an unknown index gets.
    NullResults,
    /// 200, well formed, `results: []`.
    EmptyResults,
    /// A body that ends in its middle, with the connection.
    Truncated,
    /// One quantity is off, so that the rows do not add up to the header.
    WrongTotals,
    /// Several pages are announced, those after the first hold nothing.
    MissingPage,
    /// The second page is of the next day.
    DateChangesBetweenPages,
    /// Numbers and date as `language: en-us` has them.
    EnglishShapes,
    /// The portfolio, after this long.
    Slow(Duration),
    /// The connection stays open and nothing comes.
    Hang,
    /// The connection is reset before anything is read.
    Reset,
    /// 200 with exactly this body.
    Body(Vec<u8>),
    /// Exactly this.
    Response {
        /// The status.
        status: u16,
        /// Headers beside those of any answer of B3's, or instead of them.
        headers: Vec<(&'static str, &'static str)>,
        /// The body.
        body: Vec<u8>,
    },
}

/// The names that `ibov b3` takes, as its help shows them.
pub const NAMES: [&str; 13] = [
    "ok",
    "html",
    "null",
    "empty",
    "totals",
    "missing-page",
    "date-change",
    "english",
    "truncated",
    "redirect",
    "slow",
    "hang",
    "reset",
];

impl FromStr for Answer {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "ok" => Self::Portfolio,
            "html" => Self::Html,
            "null" => Self::NullResults,
            "empty" => Self::EmptyResults,
            "totals" => Self::WrongTotals,
            "missing-page" => Self::MissingPage,
            "date-change" => Self::DateChangesBetweenPages,
            "english" => Self::EnglishShapes,
            "truncated" => Self::Truncated,
            "redirect" => Self::RedirectToErrorPage,
            "slow" => Self::Slow(Duration::from_secs(60)),
            "hang" => Self::Hang,
            "reset" => Self::Reset,
            status => match status.parse() {
                Ok(code @ 200..=599) => Self::Status(code),
                Ok(_) | Err(_) => bail!(
                    "{name:?} is no way to answer; take an HTTP status or one of: {}",
                    NAMES.join(", ")
                ),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_an_answer() {
        for name in NAMES {
            assert!(name.parse::<Answer>().is_ok(), "{name}");
        }
        assert_eq!("500".parse::<Answer>().unwrap(), Answer::Status(500));
        assert!("999".parse::<Answer>().is_err());
        assert!("nonsense".parse::<Answer>().unwrap_err().to_string().contains("missing-page"));
    }
}
