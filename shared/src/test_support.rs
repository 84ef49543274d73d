//! Fixtures shared by the unit tests of this crate.

use chrono::{DateTime, NaiveDate};

use crate::{
    keys::{LandingKey, Stamp},
    portfolio::{Constituent, ContentHash, Portfolio},
    values::{Segment, Weight},
};

pub(crate) fn portfolio() -> Portfolio {
    let constituent = |sector: &str, ticker: &str, weight, sector_weight, quantity| Constituent {
        sector: Some(sector.to_owned()),
        ticker: ticker.parse().unwrap(),
        asset: Some("BCO/X".to_owned()),
        kind: Some("ON      NM".to_owned()),
        weight: Weight::from_thousandths(weight).unwrap(),
        sector_weight: Weight::from_thousandths(sector_weight),
        quantity,
    };
    Portfolio {
        index: "IBOV".parse().unwrap(),
        segment: Segment::BySector,
        date: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(),
        total_weight: Weight::from_thousandths(100_000).unwrap(),
        total_quantity: 6_000_000_600,
        reductor: Some("18553794.87445950".to_owned()),
        constituents: vec![
            constituent("Financ e Outros / Previd  Seguros", "BBSE3", 39_999, 39_999, 600),
            constituent("Mats Básicos / Mineração", "VALE3", 60_001, 60_001, 6_000_000_000),
        ],
    }
}

pub(crate) fn landing_key(portfolio: &Portfolio, second: i64) -> LandingKey {
    LandingKey {
        index: portfolio.index.clone(),
        date: portfolio.date,
        stamp: Stamp::new(
            DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap(),
            ContentHash::of(portfolio),
        ),
    }
}
