//! A hash of a portfolio's content, independent of the time of the fetch and of the order of rows.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Constituent, Portfolio};

/// The first 16 hexadecimal digits of a SHA-256. Part of object keys, and the test for equal content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a content hash: 16 lower-case hexadecimal digits")]
pub struct InvalidContentHash;

impl ContentHash {
    const DIGITS: usize = 16;

    /// Covers every field of the portfolio.
    pub fn of(portfolio: &Portfolio) -> Self {
        Self::of_bytes(canonical(portfolio).as_bytes())
    }

    /// For answers that did not become a portfolio.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let hex: String =
            digest.iter().take(Self::DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
        Self(hex)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One line for the portfolio and one for each constituent, with tabs between fields. No text of a portfolio holds a
/// control character, so different portfolios have different lines.
fn canonical(portfolio: &Portfolio) -> String {
    /// As long as most lines are, so that the text seldom moves.
    const LINE: usize = 96;
    let Portfolio { index, segment, date, total_weight, total_quantity, reductor, constituents } =
        portfolio;
    let mut text = String::with_capacity(constituents.len() * LINE);
    // Writing to a String cannot fail.
    let mut add = |arguments: fmt::Arguments<'_>| text.write_fmt(arguments).unwrap_or_default();
    add(format_args!("{index}\t{segment}\t{date}\t{total_weight}\t{total_quantity}\t"));
    add(format_args!("{}\n", reductor.as_deref().unwrap_or_default()));
    for Constituent { sector, ticker, asset, kind, weight, sector_weight, quantity } in constituents
    {
        let [sector, asset, kind] =
            [sector, asset, kind].map(|text| text.as_deref().unwrap_or_default());
        add(format_args!("{sector}\t{ticker}\t{asset}\t{kind}\t{weight}\t"));
        if let Some(weight) = sector_weight {
            add(format_args!("{weight}"));
        }
        add(format_args!("\t{quantity}\n"));
    }
    text
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ContentHash {
    type Err = InvalidContentHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = text.len() == Self::DIGITS
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidContentHash)
    }
}

impl TryFrom<String> for ContentHash {
    type Error = InvalidContentHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.0
    }
}
