//! Scripted replies: B3's good one, and those that were seen to go wrong.

use std::{str::FromStr, time::Duration};

use anyhow::bail;

use crate::nearest::nearest;

/// How the server replies to one request for a portfolio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The portfolio that was asked for, paged.
    Portfolio,
    /// 200 with an HTML body, as the site's maintenance page comes.
    Html,
    /// This status with an HTML body.
    Status(u16),
    /// 302 to an error page with status 200.
    RedirectToErrorPage,
    /// 200, well formed, `results: null`: what an unknown index gets.
    NullResults,
    /// 200, well formed, `results: []`.
    EmptyResults,
    /// A body that breaks off with the connection.
    Truncated,
    /// The header's quantity is one more than the rows add up to.
    WrongTotals,
    /// Several pages are announced, but those after the first are empty.
    MissingPage,
    /// The second page is of the next day.
    DateChangesBetweenPages,
    /// Numbers and dates in the form of `language: en-us`.
    EnglishShapes,
    /// The portfolio, after this delay.
    Slow(Duration),
    /// The connection stays open and silent.
    Hang,
    /// The connection is reset before the request is read.
    Reset,
    /// 200 with exactly this body.
    Body(Vec<u8>),
    /// Exactly this response.
    Response {
        status: u16,
        /// These replace or join B3's usual headers.
        headers: Vec<(&'static str, &'static str)>,
        body: Vec<u8>,
    },
}

impl Reply {
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
}

impl FromStr for Reply {
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
                Ok(_) | Err(_) => {
                    let meant = nearest(name, Self::NAMES);
                    let meant = meant.map(|name| format!("; did you mean {name}?"));
                    bail!(
                        "{name:?} is no way to answer{} Take an HTTP status or one of: {}",
                        meant.as_deref().unwrap_or("."),
                        Self::NAMES.join(", ")
                    )
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_an_answer() {
        for name in Reply::NAMES {
            assert!(name.parse::<Reply>().is_ok(), "{name}");
        }
        assert_eq!("500".parse::<Reply>().unwrap(), Reply::Status(500));
        assert!("999".parse::<Reply>().is_err());
        assert!("total".parse::<Reply>().unwrap_err().to_string().contains("did you mean totals?"));
        assert!("nonsense".parse::<Reply>().unwrap_err().to_string().contains("missing-page"));
    }
}
