//! Portfolios that tests publish.

use chrono::NaiveDate;
use ibov::b3_server::{Day, Holding};

/// A holding of a portfolio that is made up.
#[must_use]
pub fn holding(sector: &str, cod: &str, weight_thousandths: i64, quantity: i64) -> Holding {
    Holding {
        sector: sector.to_owned(),
        cod: cod.to_owned(),
        asset: format!("CIA {cod}"),
        weight_thousandths,
        quantity,
    }
}

/// A small portfolio whose sectors have all that is hard about real ones: slashes, accents, double spaces, and
/// quantities that neither 32 bits nor a float hold.
#[must_use]
pub fn small(date: NaiveDate) -> Day {
    Day::of(
        date,
        &[
            holding("Financ e Outros / Previd  Seguros", "BBSE3", 40_001, 600),
            holding("Mats Básicos / Mineração", "VALE3", 30_333, 5_999_999_999),
            holding("Mats Básicos / Mineração", "CMIN3", 9_667, 16_777_217),
            holding("Utilidade Públ / Água Saneamento", "SBSP3", 19_999, 1_001),
        ],
    )
}

/// `day` without the holdings of one sector, which another sector takes over so that it still reconciles.
///
/// The rows are moved and not dropped: the weights of a portfolio add up to 100.
#[must_use]
pub fn without_sector(mut day: Day, gone: &str, heir: &str) -> Day {
    for row in &mut day.results {
        if row.segment.as_deref() == Some(gone) {
            row.segment = Some(heir.to_owned());
        }
    }
    let total = sector_weight(&day, heir);
    for row in &mut day.results {
        if row.segment.as_deref() == Some(heir) {
            row.part_acum = Some(total.clone());
        }
    }
    day
}

/// The sum of a sector's weights, as B3 prints it.
fn sector_weight(day: &Day, sector: &str) -> String {
    let rows = day.results.iter().filter(|row| row.segment.as_deref() == Some(sector));
    let thousandths: i64 =
        rows.filter_map(|row| row.part.replace(',', "").parse::<i64>().ok()).sum();
    format!("{},{:03}", thousandths / 1000, thousandths % 1000)
}
