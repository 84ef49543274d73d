//! Compares a portfolio with the previous one: from one session to the next, an index keeps most of its stocks.
//!
//! This tells the index of a sector or of small companies from a broad one. Two broad indices share most of their
//! stocks and cannot be told apart.
//!
//! Only the fetcher checks this. If an index really did change that much, a person copies the refused answer to
//! `landing/`, and processing continues from there.

use std::collections::BTreeSet;

use shared::{
    keys::LandingKey,
    portfolio::Portfolio,
    values::{IndexCode, Ticker},
};

/// A portfolio that has too little in common with the previous one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is another index's portfolio: of its {constituents} constituents only {common} are among the {before} that {index} had in {landing_key}"
)]
pub struct OtherPortfolio {
    index: IndexCode,
    common: usize,
    constituents: usize,
    before: usize,
    landing_key: LandingKey,
}

/// Refuses a portfolio if fewer than half of its tickers, or of the previous portfolio's, are in both.
pub(crate) fn check(
    portfolio: &Portfolio,
    before: &Portfolio,
    landing_key: &LandingKey,
) -> Result<(), OtherPortfolio> {
    let [now, then] = [portfolio, before].map(tickers);
    let common = now.intersection(&then).count();
    if 2 * common >= now.len().max(then.len()) {
        return Ok(());
    }
    Err(OtherPortfolio {
        index: portfolio.index.clone(),
        common,
        constituents: now.len(),
        before: then.len(),
        landing_key: landing_key.clone(),
    })
}

fn tickers(portfolio: &Portfolio) -> BTreeSet<&Ticker> {
    portfolio.constituents.iter().map(|constituent| &constituent.ticker).collect()
}

#[cfg(test)]
mod tests {
    use shared::{
        keys::Stamp,
        portfolio::{Constituent, ContentHash},
        values::{Segment, Weight},
    };

    use super::*;

    fn portfolio(tickers: impl IntoIterator<Item = u32>) -> Portfolio {
        let weight = Weight::from_thousandths(1_000).unwrap();
        let constituent = |number: u32| Constituent {
            sector: None,
            ticker: format!("S{number:03}3").parse().unwrap(),
            asset: None,
            kind: None,
            weight,
            sector_weight: None,
            quantity: 1,
        };
        Portfolio {
            index: "IBOV".parse().unwrap(),
            segment: Segment::ByTicker,
            date: "2026-11-20".parse().unwrap(),
            total_weight: weight,
            total_quantity: 1,
            reductor: None,
            constituents: tickers.into_iter().map(constituent).collect(),
        }
    }

    fn compared(now: Portfolio, before: &Portfolio) -> Result<(), OtherPortfolio> {
        let fetched_at = "2026-11-20T13:00:00Z".parse().unwrap();
        let stamp = Stamp::new(fetched_at, ContentHash::of(before));
        let (index, date) = (before.index.clone(), before.date);
        check(&now, before, &LandingKey { index, date, stamp })
    }

    #[test]
    fn half_of_the_tickers_in_common_are_enough_and_fewer_are_not() {
        let before = portfolio(0..80);
        assert_eq!(compared(portfolio(0..80), &before), Ok(()));
        assert_eq!(compared(portfolio(40..120), &before), Ok(()));
        let error = compared(portfolio(41..121), &before).unwrap_err();
        let words = "of its 80 constituents only 39 are among the 80 that IBOV had in landing/index=IBOV/date=2026-11-20/";
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn an_index_within_another_or_around_it_is_another_index() {
        let before = portfolio(0..80);
        assert!(compared(portfolio(0..20), &before).is_err(), "a sector's index");
        assert!(compared(portfolio(0..170), &before).is_err(), "the broad index");
        assert_eq!(compared(portfolio(0..82), &before), Ok(()));
        assert_eq!(compared(portfolio(0..77), &before), Ok(()));
    }
}
