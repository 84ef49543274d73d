//! The actions of a storm and their order, computed from the seed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};
use fastrand::Rng;
use harness::{b3_server::Day, stack::Stage};
use shared::portfolio::is_weekday;

use super::{
    action::Action,
    poison::{self, Poison},
    portfolios::{self, Landing},
};
use crate::{
    aws_messages::{created, through_sns},
    days,
};

/// One event in fifty is poison, and even a small storm has every kind.
const EVENTS_PER_POISON: usize = 50;
/// One event in five is delivered twice.
const EVENTS_PER_DUPLICATE: usize = 5;
const EVENTS_PER_KILL: usize = 40;
const LEAST_KILLS: usize = 12;
const EVENTS_PER_FAILED_RUN: usize = 200;
const LEAST_FAILED_RUNS: usize = 3;
const EVENTS_PER_TICK: usize = 40;
const EVENTS_PER_REDRIVE: usize = 100;
/// Landing objects per date, on average.
const EVENTS_PER_DATE: usize = 33;
/// Enough dates for a large run.
const LEAST_DATES: usize = 36;
/// Events after the storm, which a real Spark refines.
const LAST_EVENTS: usize = 8;
const LONGEST_DELAY_SECONDS: i32 = 4;

/// Functions are killed before and after these effects.
const EFFECTS: [(Stage, &[&str]); 3] = [
    (Stage::Parquet, &["put-raw", "park"]),
    (Stage::Glue, &["empty-mark", "start-run", "park"]),
    (Stage::Completion, &["mark", "park-dates", "publish", "set-told", "start-run"]),
];

/// An event that the pipeline has to account for.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// S3's notification about a landing object.
    Portfolio(Box<Landing>),
    /// An event that must end in a dead-letter queue.
    Poison(Poison),
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) events: Vec<Event>,
    /// The shuffled actions.
    pub(super) storm: Vec<Action>,
    /// The actions after the storm.
    pub(super) finale: Vec<Action>,
}

impl Plan {
    pub(super) fn new(count: usize, seed: u64, bucket: &str) -> Result<Self> {
        let mut rng = Rng::with_seed(seed);
        let poisoned = (count / EVENTS_PER_POISON).max(poison::KINDS);
        let good = count.checked_sub(poisoned + LAST_EVENTS);
        let good = good.context("too few events for a storm")?;
        let mut author = Author::new(&mut rng, count);
        let mut events = Vec::new();
        for number in 0..good {
            events.push(Event::Portfolio(Box::new(author.landing(number)?)));
        }
        for number in 0..poisoned {
            let day = author.some_day();
            let time = author.time(day.date()?, good + number);
            events.push(Event::Poison(poison::poison(number, &day, time, bucket)?));
        }
        let mut storm: Vec<Action> = events.iter().map(Event::action).collect();
        storm.extend(duplicates(&mut rng, &events, bucket));
        storm.extend(weather(&mut rng, count));
        rng.shuffle(&mut storm);
        let mut finale = Vec::new();
        let mut author = Author::new(&mut rng, count);
        for number in 0..LAST_EVENTS {
            let event = Event::Portfolio(Box::new(author.last_landing(number, good)?));
            finale.push(event.action());
            events.push(event);
        }
        Ok(Self { events, storm, finale })
    }

    /// Repeats S3's notifications of each date's oldest and newest landing object and of its raw file.
    pub(super) fn echo(&self, bucket: &str) -> Vec<Action> {
        let send = |stage, key: &str| {
            let body = created(bucket, &[key]);
            Action::Send { stage, body, delay_seconds: 0 }
        };
        let of_date = |(date, landings): (NaiveDate, Vec<&Landing>)| {
            let raw = format!("raw/date={date}/ibov_setor.parquet");
            let ends = [landings.first(), landings.last()].into_iter().flatten();
            let landed = ends.map(|landing| send(Stage::Parquet, &landing.key.to_string()));
            landed.chain([send(Stage::Glue, &raw)]).collect::<Vec<_>>()
        };
        self.landings().into_iter().flat_map(of_date).collect()
    }

    /// The landing objects of each date, oldest first.
    pub(super) fn landings(&self) -> BTreeMap<NaiveDate, Vec<&Landing>> {
        let mut by_date: BTreeMap<_, Vec<&Landing>> = BTreeMap::new();
        for event in &self.events {
            if let Event::Portfolio(landing) = event {
                by_date.entry(landing.key.date).or_default().push(landing);
            }
        }
        for landings in by_date.values_mut() {
            landings.sort_by(|one, other| one.key.stamp.cmp(&other.key.stamp));
        }
        by_date
    }
}

impl Event {
    fn action(&self) -> Action {
        match self {
            Self::Portfolio(landing) => {
                Action::Put { key: landing.key.to_string(), body: landing.body.clone() }
            }
            Self::Poison(poison) => poison.action.clone(),
        }
    }
}

/// Writes portfolios, each newer than those before.
struct Author<'a> {
    rng: &'a mut Rng,
    dates: Vec<NaiveDate>,
    written: BTreeMap<NaiveDate, Vec<Day>>,
}

impl<'a> Author<'a> {
    fn new(rng: &'a mut Rng, events: usize) -> Self {
        let days = (0..).map_while(|day| NaiveDate::default().checked_add_days(Days::new(day)));
        // B3's dates have two digits for the year.
        let days = days.filter(|date| date.year() >= 2026 && is_weekday(*date));
        let dates = days.take((events / EVENTS_PER_DATE).max(LEAST_DATES)).collect();
        Self { rng, dates, written: BTreeMap::new() }
    }

    fn some_day(&mut self) -> Day {
        let date = self.rng.choice(&self.dates).copied().unwrap_or_default();
        portfolios::portfolio(self.rng, date)
    }

    /// When the portfolio of a date is fetched: on the morning of its session, and at another moment for each event.
    fn time(&mut self, date: NaiveDate, number: usize) -> DateTime<Utc> {
        let seconds = i64::try_from(number).unwrap_or_default() * 20 + self.rng.i64(0..20);
        days::morning(date) + TimeDelta::seconds(seconds)
    }

    /// One in four repeats the content of an older one of its date.
    fn landing(&mut self, number: usize) -> Result<Landing> {
        let mut day = self.some_day();
        let older = self.written.entry(day.date()?).or_default();
        match self.rng.choice(older.iter()) {
            Some(said) if self.rng.u8(0..4) == 0 => day = said.clone(),
            Some(_) | None => older.push(day.clone()),
        }
        let fetched_at = self.time(day.date()?, number);
        Landing::new(day, fetched_at)
    }

    /// New content for one date each.
    fn last_landing(&mut self, number: usize, after: usize) -> Result<Landing> {
        let date = self.dates.get(number).copied().context("fewer dates than last events")?;
        let fetched_at = self.time(date, after + number);
        Landing::new(portfolios::portfolio(self.rng, date), fetched_at)
    }
}

/// Copies of S3's notifications, some of them in SNS's envelope, and copies of poison.
fn duplicates(rng: &mut Rng, events: &[Event], bucket: &str) -> Vec<Action> {
    let mut copies = Vec::new();
    for _ in 0..events.len() / EVENTS_PER_DUPLICATE {
        let delay_seconds = rng.i32(0..=LONGEST_DELAY_SECONDS);
        let (stage, body) = match rng.choice(events) {
            Some(Event::Portfolio(landing)) if rng.u8(0..3) == 0 => {
                let raw = format!("raw/date={}/ibov_setor.parquet", landing.key.date);
                (Stage::Glue, created(bucket, &[&raw]))
            }
            Some(Event::Portfolio(landing)) => {
                let body = created(bucket, &[&landing.key.to_string()]);
                let wrapped = rng.u8(0..4) == 0;
                (Stage::Parquet, if wrapped { through_sns(&body) } else { body })
            }
            Some(Event::Poison(poison)) => (poison.stage, poison.message(bucket)),
            None => continue,
        };
        copies.push(Action::Send { stage, body, delay_seconds });
    }
    copies
}

/// Kills and failing runs, and the redrives and ticks that repair their effects.
fn weather(rng: &mut Rng, events: usize) -> Vec<Action> {
    let mut weather = Vec::new();
    for _ in 0..(events / EVENTS_PER_KILL).max(LEAST_KILLS) {
        // Choosing the stage first keeps the notifier, which has the most effects, from being killed too often.
        let Some((stage, effects)) = rng.choice(EFFECTS) else { continue };
        let side = if rng.bool() { "before" } else { "after" };
        let effect = rng.choice(effects).copied().unwrap_or_default();
        weather.push(Action::Kill { stage, failpoint: format!("{side}-{effect}") });
    }
    weather.extend(vec![Action::FailRun; (events / EVENTS_PER_FAILED_RUN).max(LEAST_FAILED_RUNS)]);
    weather.extend(vec![Action::Redrive; events / EVENTS_PER_REDRIVE]);
    weather.extend(vec![Action::Tick; events / EVENTS_PER_TICK]);
    weather
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_made_of_what_it_promises() {
        let plan = Plan::new(2000, 7, "lake").unwrap();
        let count = |wanted: fn(&Action) -> bool| plan.storm.iter().filter(|a| wanted(a)).count();
        assert_eq!(plan.events.len(), 2000);
        let poison = plan.events.iter().filter(|event| matches!(event, Event::Poison(_))).count();
        assert_eq!(poison, 40);
        let (puts, sends) = (
            count(|action| matches!(action, Action::Put { .. })),
            count(|action| matches!(action, Action::Send { .. })),
        );
        assert_eq!(puts + sends + plan.finale.len(), 2000 + (2000 - LAST_EVENTS) / 5);
        assert_eq!(count(|action| matches!(action, Action::Kill { .. })), 50);
        assert!(plan.landings().values().all(|landings| landings.len() > 1));
    }

    #[test]
    fn a_seed_makes_one_storm() {
        let text = |seed| format!("{:?}", Plan::new(100, seed, "lake").unwrap());
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }

    #[test]
    fn newer_content_sometimes_says_what_older_content_said() {
        let plan = Plan::new(2000, 7, "lake").unwrap();
        let repeats = plan.landings().into_values().filter(|landings| {
            let contents = landings.iter().map(|landing| &landing.key.stamp.content);
            contents.collect::<std::collections::BTreeSet<_>>().len() < landings.len()
        });
        assert!(repeats.count() > 10);
    }
}
