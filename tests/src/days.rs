//! Portfolios that tests publish.

use std::sync::OnceLock;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use harness::b3_server::{Day, Holding, next_session};
use shared::{
    b3::PageRequest,
    keys::{LandingKey, Stamp},
    landing::Envelope,
    portfolio::{ContentHash, is_weekday},
    values::Segment,
};

/// The session `offset` weekdays after the one that B3 would answer with now, or before it if negative. From -4 to 9
/// the fetcher accepts them today and tomorrow, so midnight during a test does no harm.
pub fn session(offset: i32) -> NaiveDate {
    static NOW: OnceLock<NaiveDate> = OnceLock::new();
    let now = *NOW.get_or_init(next_session);
    let steps = usize::try_from(offset.unsigned_abs()).unwrap_or_default();
    let step = TimeDelta::days(i64::from(offset.signum()));
    let days = std::iter::successors(Some(now), |date| date.checked_add_signed(step));
    days.filter(|date| is_weekday(*date)).nth(steps).unwrap_or(now)
}

pub fn session_after(date: NaiveDate) -> NaiveDate {
    date.iter_days().skip(1).find(|date| is_weekday(*date)).unwrap_or(date)
}

/// Key and content of a landing object, as the fetcher writes it.
pub fn landing(
    day: &Day,
    segment: Segment,
    fetched_at: DateTime<Utc>,
) -> Result<(LandingKey, Vec<u8>)> {
    let envelope = envelope(day, segment, fetched_at)?;
    let (portfolio, _) = envelope.portfolio()?;
    let stamp = Stamp::new(fetched_at, ContentHash::of(&portfolio));
    let key = LandingKey { index: portfolio.index, date: portfolio.date, stamp };
    Ok((key, serde_json::to_vec(&envelope)?))
}

/// An answer of B3 in one page, as the fetcher keeps it.
pub fn envelope(day: &Day, segment: Segment, fetched_at: DateTime<Utc>) -> Result<Envelope> {
    const PAGE_SIZE: u32 = 1_000;
    Ok(Envelope {
        request: PageRequest::first("IBOV".parse()?, segment, PAGE_SIZE),
        base_url: "http://127.0.0.1".to_owned(),
        fetched_at,
        source: None,
        rejection: None,
        pages: vec![day.page(1, PAGE_SIZE as usize).to_string()],
    })
}

/// When a session's portfolio is fetched.
pub fn morning(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(13)
}

pub fn holding(sector: &str, cod: &str, weight_thousandths: i64, quantity: i64) -> Holding {
    Holding {
        sector: sector.to_owned(),
        cod: cod.to_owned(),
        asset: format!("CIA {cod}"),
        weight_thousandths,
        quantity,
    }
}

/// A small portfolio with the difficulties of real ones: slashes, accents and double spaces in names, and quantities
/// that neither 32 bits nor a float hold.
pub fn small(date: NaiveDate) -> Day {
    Day::from_holdings(
        date,
        &[
            holding("Financ e Outros / Previd  Seguros", "BBSE3", 40_001, 600),
            holding("Mats Básicos / Mineração", "VALE3", 30_333, 5_999_999_999),
            holding("Mats Básicos / Mineração", "CMIN3", 9_667, 16_777_217),
            holding("Utilidade Públ / Água Saneamento", "SBSP3", 19_999, 1_001),
        ],
    )
}

/// A day after [`small`]: CMIN3 has left, ITUB4 has entered, and VALE3 weighs less.
pub fn moved(date: NaiveDate) -> Day {
    Day::from_holdings(
        date,
        &[
            holding("Financ e Outros / Previd  Seguros", "BBSE3", 40_001, 600),
            holding("Financ e Outros / Interms Financs", "ITUB4", 10_125, 16_777_217),
            holding("Mats Básicos / Mineração", "VALE3", 29_875, 5_999_999_999),
            holding("Utilidade Públ / Água Saneamento", "SBSP3", 19_999, 1_001),
        ],
    )
}

/// Moves the holdings of one sector to another, so that the weights still add up to 100.
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

/// The file that B3's site offers of a day, in ISO 8859-1.
pub fn csv(day: &Day, with_sectors: bool) -> Vec<u8> {
    let column = |name: &str| if with_sectors { format!("{name};") } else { String::new() };
    let mut lines = vec![
        format!("IBOV - Carteira do Dia {}", day.header.date),
        format!("{}Código;Ação;Tipo;Qtde. Teórica;Part. (%)", column("Setor")),
    ];
    if with_sectors && let Some(names) = lines.last_mut() {
        names.push_str(";Part. (%)Acum.");
    }
    for row in &day.results {
        let sector = column(row.segment.as_deref().unwrap_or_default());
        let total = column(row.part_acum.as_deref().unwrap_or_default());
        lines.push(format!(
            "{sector}{};{};{};{};{};{total}",
            row.cod, row.asset, row.r#type, row.theorical_qty, row.part
        ));
    }
    let (gap, total) = (column(""), if with_sectors { ";100,000" } else { "" });
    let header = &day.header;
    let quantity = &header.theorical_qty;
    lines.push(format!("Quantidade Teórica Total;;{gap};{quantity};{}{total}", header.part));
    lines.push(format!("Redutor;;{gap};{}", header.reductor.as_deref().unwrap_or_default()));
    let text = lines.join("\r\n") + "\r\n";
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}
