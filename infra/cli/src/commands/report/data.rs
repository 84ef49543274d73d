//! What the report tells, free of how it looks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use harness::stack::Stage;
use rust_decimal::Decimal;

use super::super::tables_shown::Source;

/// Constituents without a sector have this one, in the tables and in the views.
const NO_SECTOR: &str = "Sem setor";
/// How many of the largest changes are shown.
const LARGEST: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) source: Source,
    pub(super) index: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) newest: Session,
    /// The session before it that the lake holds.
    pub(super) before: Option<Session>,
    pub(super) history: History,
    pub(super) chain: Chain,
}

/// The index on one date; sectors and stocks come heaviest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) date: NaiveDate,
    pub(super) sectors: Vec<Sector>,
    pub(super) stocks: Vec<Stock>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sector {
    pub(super) name: String,
    /// In percent.
    pub(super) weight: Decimal,
    pub(super) constituents: i64,
    pub(super) quantity: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) code: String,
    pub(super) company: String,
    /// Share type and listing segment, as `ON NM`.
    pub(super) kind: String,
    pub(super) sector: String,
    /// In percent.
    pub(super) weight: Decimal,
    pub(super) quantity: i64,
}

/// Weights over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History {
    /// How many dates the lake holds.
    pub(super) sessions: usize,
    /// Those that the lines go through, which are fewer in a long history.
    pub(super) dates: Vec<NaiveDate>,
    /// Heaviest of the newest session first; sectors that are gone come last.
    pub(super) sectors: Vec<Line>,
    pub(super) stocks: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    /// One for each date of the history; `None` where it was not part of the index.
    pub(super) weights: Vec<Option<Decimal>>,
}

/// How far each part of the chain has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) landing: Layer,
    pub(super) raw: Layer,
    pub(super) refined: Layer,
    pub(super) fetched_at: Option<DateTime<Utc>>,
    /// Dates that have landed and have no refined rows.
    pub(super) due: Vec<NaiveDate>,
    /// `None` where there are only tables, because no stack is up.
    pub(super) work: Option<Work>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) newest: Option<NaiveDate>,
    pub(super) sessions: usize,
}

/// Queues and runs of a stack that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) queues: Vec<Queue>,
    /// Newest first.
    pub(super) runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) stage: Stage,
    pub(super) waiting: usize,
    pub(super) parked: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) seconds: Option<i32>,
}

/// How the stocks differ between two sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moves<'a> {
    pub(super) entered: Vec<&'a Stock>,
    pub(super) left: Vec<&'a Stock>,
    /// The largest ones of stocks that stayed.
    pub(super) changed: Vec<Change<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub(super) stock: &'a Stock,
    pub(super) before: Decimal,
    /// In percentage points.
    pub(super) by: Decimal,
}

/// How much of the index few stocks make up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Concentration {
    pub(super) top_5: Decimal,
    pub(super) top_10: Decimal,
    /// The sum of the squared weights in percent: from 0 to 10,000.
    pub(super) herfindahl: Decimal,
}

impl Report {
    /// `None` if there is only one session, or the raw table lacks one of the two.
    pub(super) fn moves(&self) -> Option<Moves<'_>> {
        let (now, before) = (&self.newest.stocks, &self.before.as_ref()?.stocks);
        if now.is_empty() || before.is_empty() {
            return None;
        }
        let (then, today) = (by_code(before), by_code(now));
        let mut changed: Vec<_> = now.iter().filter_map(|stock| change(stock, &then)).collect();
        changed.sort_by(|one, other| {
            let size = other.by.abs().cmp(&one.by.abs());
            size.then_with(|| one.stock.code.cmp(&other.stock.code))
        });
        changed.truncate(LARGEST);
        Some(Moves {
            entered: now.iter().filter(|stock| !then.contains_key(stock.code.as_str())).collect(),
            left: before.iter().filter(|stock| !today.contains_key(stock.code.as_str())).collect(),
            changed,
        })
    }
}

impl Session {
    /// Whether the index was asked for by sector.
    pub(super) fn has_sectors(&self) -> bool {
        self.sectors.iter().any(|sector| sector.name != NO_SECTOR)
    }

    pub(super) fn sector_weight(&self, name: &str) -> Option<Decimal> {
        self.sectors.iter().find(|sector| sector.name == name).map(|sector| sector.weight)
    }

    pub(super) fn stock_weight(&self, code: &str) -> Option<Decimal> {
        self.stocks.iter().find(|stock| stock.code == code).map(|stock| stock.weight)
    }

    pub(super) fn concentration(&self) -> Concentration {
        let top = |count| self.stocks.iter().take(count).map(|stock| stock.weight).sum();
        let squares = self.stocks.iter().map(|stock| stock.weight * stock.weight);
        Concentration { top_5: top(5), top_10: top(10), herfindahl: squares.sum() }
    }
}

impl Layer {
    pub(super) fn of(dates: &BTreeSet<NaiveDate>) -> Self {
        Self { newest: dates.last().copied(), sessions: dates.len() }
    }
}

fn by_code(stocks: &[Stock]) -> BTreeMap<&str, &Stock> {
    stocks.iter().map(|stock| (stock.code.as_str(), stock)).collect()
}

fn change<'a>(stock: &'a Stock, then: &BTreeMap<&str, &Stock>) -> Option<Change<'a>> {
    let before = then.get(stock.code.as_str())?.weight;
    let by = stock.weight - before;
    (!by.is_zero()).then_some(Change { stock, before, by })
}

/// At most `limit` of the dates, evenly spaced; always the first, the last and the one before it.
pub(super) fn thinned(dates: &[NaiveDate], limit: usize) -> Vec<NaiveDate> {
    let Some(last) = dates.len().checked_sub(1) else { return vec![] };
    let steps = limit.saturating_sub(2).max(1);
    if last <= steps {
        return dates.to_vec();
    }
    let mut places: BTreeSet<usize> = (0..=steps).map(|step| step * last / steps).collect();
    places.insert(last - 1);
    places.into_iter().filter_map(|place| dates.get(place).copied()).collect()
}

/// One line for each name, in the order of `names`, through the weights on `dates`.
pub(super) fn lines<'a>(
    names: impl IntoIterator<Item = &'a str>,
    dates: &[NaiveDate],
    weights: &BTreeMap<(&str, NaiveDate), Decimal>,
) -> Vec<Line> {
    let line = |name: &str| Line {
        name: name.to_owned(),
        weights: dates.iter().map(|date| weights.get(&(name, *date)).copied()).collect(),
    };
    names.into_iter().map(line).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::commands::report) fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    pub(in crate::commands::report) fn stock(code: &str, sector: &str, weight: &str) -> Stock {
        Stock {
            code: code.into(),
            company: format!("CIA {code}"),
            kind: "ON NM".into(),
            sector: sector.into(),
            weight: weight.parse().unwrap(),
            quantity: 5_999_999_999,
        }
    }

    fn session(day: u32, stocks: Vec<Stock>) -> Session {
        let names: BTreeSet<_> = stocks.iter().map(|stock| stock.sector.clone()).collect();
        let of = |name: &String| {
            stocks.iter().filter(|stock| stock.sector == *name).map(|stock| stock.weight).sum()
        };
        let sector = |name: String| Sector {
            weight: of(&name),
            name,
            constituents: 1,
            quantity: 5_999_999_999,
        };
        Session { date: date(day), sectors: names.into_iter().map(sector).collect(), stocks }
    }

    /// Two sessions: VALE3 grows, ITUB4 shrinks, SBSP3 enters and AZUL4 leaves.
    pub(in crate::commands::report) fn report() -> Report {
        let newest = session(
            25,
            vec![
                stock("VALE3", "Mats Básicos / Mineração", "60.500"),
                stock("ITUB4", "Financ e Outros / Interms Financs", "30.000"),
                stock("SBSP3", "Utilidade Públ / Água Saneamento", "9.500"),
            ],
        );
        let before = session(
            24,
            vec![
                stock("VALE3", "Mats Básicos / Mineração", "58.000"),
                stock("ITUB4", "Financ e Outros / Interms Financs", "31.250"),
                stock("AZUL4", "Bens Indls / Transporte", "10.750"),
            ],
        );
        let dates = [date(24), date(25)];
        let weights: BTreeMap<_, _> = [&before, &newest]
            .into_iter()
            .flat_map(|day| day.sectors.iter().map(|s| ((s.name.as_str(), day.date), s.weight)))
            .collect();
        let names: BTreeSet<_> = weights.keys().map(|(name, _)| *name).collect();
        let of_stocks: BTreeMap<_, _> = [&before, &newest]
            .into_iter()
            .flat_map(|day| day.stocks.iter().map(|s| ((s.code.as_str(), day.date), s.weight)))
            .collect();
        let history = History {
            sessions: 2,
            dates: dates.to_vec(),
            sectors: lines(names, &dates, &weights),
            stocks: lines(["VALE3", "ITUB4", "SBSP3", "AZUL4"], &dates, &of_stocks),
        };
        let layer = Layer { newest: Some(date(25)), sessions: 2 };
        Report {
            source: Source::B3,
            index: "IBOV".into(),
            made_at: "2026-11-26T01:20:00Z".parse().unwrap(),
            newest,
            before: Some(before),
            history,
            chain: Chain {
                landing: layer,
                raw: layer,
                refined: layer,
                fetched_at: Some("2026-11-25T10:00:00Z".parse().unwrap()),
                due: vec![],
                work: None,
            },
        }
    }

    #[test]
    fn moves_tell_who_entered_who_left_and_whose_weight_changed_most() {
        let report = report();
        let moves = report.moves().unwrap();
        let codes = |stocks: &[&Stock]| stocks.iter().map(|s| s.code.clone()).collect::<Vec<_>>();
        assert_eq!(codes(&moves.entered), ["SBSP3"]);
        assert_eq!(codes(&moves.left), ["AZUL4"]);
        let changed: Vec<_> =
            moves.changed.iter().map(|c| (c.stock.code.as_str(), c.by.to_string())).collect();
        assert_eq!(changed, [("VALE3", "2.500".to_owned()), ("ITUB4", "-1.250".to_owned())]);
    }

    #[test]
    fn a_single_session_has_no_moves() {
        assert_eq!(Report { before: None, ..report() }.moves(), None);
    }

    #[test]
    fn concentration_adds_up_the_heaviest_and_the_squares() {
        let concentration = report().newest.concentration();
        assert_eq!(concentration.top_5.to_string(), "100.000");
        assert_eq!(concentration.herfindahl.normalize().to_string(), "4650.5");
    }

    #[test]
    fn a_long_history_is_thinned_and_keeps_its_ends_and_the_session_before() {
        let dates: Vec<_> = date(1).iter_days().take(2_500).collect();
        let thin = thinned(&dates, 120);
        assert!((118..=120).contains(&thin.len()), "{}", thin.len());
        assert_eq!(thin.first(), dates.first());
        assert_eq!(thin.get(thin.len() - 2..), dates.get(2_498..));
        assert!(thin.is_sorted());
        assert_eq!(thinned(dates.get(..119).unwrap(), 120).len(), 119);
        assert_eq!(thinned(dates.get(..1).unwrap(), 120), [date(1)]);
        assert_eq!(thinned(&[], 120), [NaiveDate::MIN; 0]);
    }
}
