//! Random portfolios, as landing objects.

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDate, Utc};
use fastrand::Rng;
use harness::b3_server::{Day, Holding};
use shared::{
    keys::{LandingKey, Stamp},
    portfolio::{ContentHash, Portfolio},
    values::{IndexCode, Segment},
};

use crate::days::{self, holding};

/// Names with slashes, accents and double spaces.
const SECTORS: [&str; 6] = [
    "Financ e Outros / Previd  Seguros",
    "Mats Básicos / Mineração",
    "Utilidade Públ / Água Saneamento",
    "Petróleo/ Gás e Biocombustíveis",
    "Bens Indls / Máqs e Equips",
    "Holdings Diversificadas",
];
const WHOLE_INDEX: i64 = 100_000;
const LARGEST_QUANTITY: i64 = 6_000_000_000;

/// A landing object that becomes a raw file.
#[derive(Debug, Clone)]
pub(super) struct Landing {
    pub(super) key: LandingKey,
    /// B3's answer.
    pub(super) day: Day,
    /// The parsed answer.
    pub(super) portfolio: Portfolio,
    /// Content of the object.
    pub(super) body: Vec<u8>,
}

impl Landing {
    pub(super) fn new(day: Day, fetched_at: DateTime<Utc>) -> Result<Self> {
        let envelope = days::envelope(&day, Segment::BySector, fetched_at)?;
        let (portfolio, _) = envelope.portfolio().context("a portfolio that was made up")?;
        let stamp = Stamp::new(fetched_at, ContentHash::of(&portfolio));
        let key = LandingKey { index: index()?, date: portfolio.date, stamp };
        Ok(Self { key, day, portfolio, body: serde_json::to_vec(&envelope)? })
    }
}

/// Key and content of a landing object whose quantities do not add up.
pub(super) fn unreconciled(
    mut day: Day,
    fetched_at: DateTime<Utc>,
) -> Result<(LandingKey, Vec<u8>)> {
    let date = day.date()?;
    day.header.theorical_qty = "1".to_owned();
    let body = serde_json::to_vec(&days::envelope(&day, Segment::BySector, fetched_at)?)?;
    let stamp = Stamp::new(fetched_at, ContentHash::of_bytes(&body));
    Ok((LandingKey { index: index()?, date, stamp }, body))
}

fn index() -> Result<IndexCode> {
    Ok("IBOV".parse()?)
}

/// Five to twenty constituents whose weights add up to 100.
pub(super) fn portfolio(rng: &mut Rng, date: NaiveDate) -> Day {
    let count = rng.i64(5..=20);
    let average = WHOLE_INDEX / count;
    let mut holdings: Vec<Holding> = Vec::new();
    let mut left = WHOLE_INDEX;
    for number in 1..=count {
        let weight = if number == count { left } else { rng.i64(1..=average) };
        left -= weight;
        let sector = rng.choice(SECTORS).unwrap_or_default();
        let quantity = rng.i64(1..=LARGEST_QUANTITY);
        holdings.push(holding(sector, &format!("S{number:03}3"), weight, quantity));
    }
    Day::from_holdings(date, &holdings)
}
