//! `ibov history`: how the weight of a stock or a sector went.

mod subject;

use anyhow::{Context as _, Result, bail};
use chrono::NaiveDate;
use harness::stack::named_queries;
use rust_decimal::Decimal;
use serde::Serialize;

use self::subject::Subject;
use super::{
    sessions::{self, cell, parsed},
    tables_shown::{Source, Tables, TablesShown},
    with_tables,
};
use crate::{
    args::HistoryArgs,
    output::{
        Column, Language, Screen, Table, Value, json_number, plural, print_heading, print_line,
        sparkline, text, write_file,
    },
    svg::{self, Caption},
};

/// Columns that a sparkline takes in a terminal of the usual width.
const SPARKS: usize = 78;

/// The document of `--json`.
#[derive(Debug, Serialize)]
struct Document<'a> {
    index: &'a str,
    source: &'a Source,
    /// `stock` or `sector`.
    of: &'static str,
    name: &'a str,
    days: &'a [Day],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Day {
    date: NaiveDate,
    /// In per cent.
    #[serde(serialize_with = "json_number")]
    weight: Decimal,
    quantity: i64,
    /// Of a sector.
    #[serde(skip_serializing_if = "Option::is_none")]
    constituents: Option<i64>,
    /// Of a stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    sector: Option<String>,
    /// Whether it was not in the index on the day before that the tables hold, so that there is nothing to compare it with.
    #[serde(skip)]
    follows_gap: bool,
}

struct History<'a> {
    shown: &'a TablesShown,
    subject: &'a Subject,
    /// The oldest first; at least one.
    days: &'a [Day],
    language: Language,
}

pub(crate) async fn history(args: &HistoryArgs) -> Result<()> {
    with_tables(&args.tables, async |Tables { stack, shown }| {
        let subject = Subject::find(&stack, &args.of).await?;
        let (query, name) = match &subject {
            Subject::Stock(ticker) => ("stock-history", ticker),
            Subject::Sector(name) => ("sector-history", name),
        };
        let result = named_queries::run(&stack, query, std::slice::from_ref(name)).await?;
        let days = result.rows.iter().map(|row| Day::read(&subject, row)).collect::<Result<_>>()?;
        if result.rows.is_empty() {
            return Err(subject::unknown(&stack, &args.of).await?);
        }
        let days = within(with_gaps(days, &sessions::all(&stack).await?), args.from, args.to)?;
        let screen = Screen::stdout();
        let (shown, language) = (&shown, screen.language);
        let history = History { shown, subject: &subject, days: &days, language };
        if let Some(path) = &args.out {
            write_file(path, history.svg().as_bytes())?;
        }
        if args.json {
            return print_line(serde_json::to_string(&history.document())?);
        }
        if let Some(path) = &args.out {
            return print_line(path.display());
        }
        print_heading(screen, shown.title(screen.language, &history.title()))?;
        print_heading(screen, history.way())?;
        print_line(history.table().render(screen))
    })
    .await
}

/// Notes where a day of the tables lies between two of these.
fn with_gaps(mut days: Vec<Day>, all: &[NaiveDate]) -> Vec<Day> {
    let mut before: Option<NaiveDate> = None;
    for day in &mut days {
        let is_between = |date: &NaiveDate| before < Some(*date) && *date < day.date;
        day.follows_gap = before.is_some() && all.iter().any(is_between);
        before = Some(day.date);
    }
    days
}

fn within(days: Vec<Day>, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Vec<Day>> {
    let ends = days.first().zip(days.last()).map(|(first, last)| (first.date, last.date));
    let (first, last) = ends.context("there is no day")?;
    let is_in =
        |day: &Day| from.is_none_or(|from| from <= day.date) && to.is_none_or(|to| day.date <= to);
    let chosen: Vec<Day> = days.into_iter().filter(is_in).collect();
    if chosen.is_empty() {
        bail!(text!(
            Language::current(),
            en: "no day lies between --from and --to: those that are there go from {first} to {last}",
            pt: "nenhum pregão fica entre --from e --to: os que existem vão de {first} a {last}"
        ));
    }
    Ok(chosen)
}

impl Day {
    fn read(subject: &Subject, row: &[Option<String>]) -> Result<Self> {
        let date = parsed(row, 0)?;
        match subject {
            // The order of the columns is that of the named query.
            Subject::Stock(_) => Ok(Self {
                date,
                sector: Some(cell(row, 1)),
                weight: parsed(row, 2)?,
                quantity: parsed(row, 3)?,
                constituents: None,
                follows_gap: false,
            }),
            Subject::Sector(_) => Ok(Self {
                date,
                weight: parsed(row, 1)?,
                constituents: Some(parsed(row, 2)?),
                quantity: parsed(row, 3)?,
                sector: None,
                follows_gap: false,
            }),
        }
    }
}

impl History<'_> {
    fn name(&self) -> &str {
        match self.subject {
            Subject::Stock(name) | Subject::Sector(name) => name,
        }
    }

    fn title(&self) -> String {
        let (name, index, number) = (self.name(), &self.shown.index, self.days.len());
        let (days, pregoes) = (plural(number, "day", "days"), plural(number, "pregão", "pregões"));
        text!(
            self.language,
            en: "{name}: weight in {index} on {number} {days}",
            pt: "{name}: participação no {index} em {number} {pregoes}"
        )
    }

    /// The line, and the numbers that people look for first.
    fn way(&self) -> String {
        let weights: Vec<Decimal> = self.days.iter().map(|day| day.weight).collect();
        let line = sparkline(&weights, SPARKS);
        let number = |day: Option<&Day>| {
            day.map(|day| format!("{} % ({})", self.language.number(day.weight), day.date))
                .unwrap_or_default()
        };
        let (first, last) = (number(self.days.first()), number(self.days.last()));
        let lowest = number(self.days.iter().min_by_key(|day| day.weight));
        let highest = number(self.days.iter().max_by_key(|day| day.weight));
        text!(
            self.language,
            en: "{line}\nfrom {first} to {last}\nlowest {lowest}, highest {highest}",
            pt: "{line}\nde {first} a {last}\nmínimo {lowest}, máximo {highest}"
        )
    }

    fn table(&self) -> Table {
        let language = self.language;
        let is_sector = matches!(self.subject, Subject::Sector(_));
        let mut columns = vec![
            Column::text(text!(language, en: "date", pt: "data")),
            Column::number(text!(language, en: "weight %", pt: "participação %")),
            Column::number(text!(language, en: "change", pt: "variação")).drops(3),
        ];
        if is_sector {
            columns.push(Column::number(text!(language, en: "constituents", pt: "ações")).drops(2));
        }
        columns.push(
            Column::number(text!(language, en: "theoretical quantity", pt: "quantidade teórica"))
                .drops(1),
        );
        let mut table = Table::new(columns);
        let mut before = None;
        for day in self.days {
            let change = before
                .filter(|_| !day.follows_gap)
                .map(|before| Value::change(day.weight - before));
            let mut row = vec![
                Value::text(day.date),
                Value::number(day.weight),
                change.unwrap_or(Value::Missing),
            ];
            row.extend(day.constituents.map(Value::number));
            row.push(Value::number(day.quantity));
            table.row(row);
            before = Some(day.weight);
        }
        table
    }

    fn document(&self) -> Document<'_> {
        Document {
            index: &self.shown.index,
            source: &self.shown.source,
            of: match self.subject {
                Subject::Stock(_) => "stock",
                Subject::Sector(_) => "sector",
            },
            name: self.name(),
            days: self.days,
        }
    }

    fn svg(&self) -> String {
        let stretches: Vec<Vec<_>> = self
            .days
            .chunk_by(|_, day| !day.follows_gap)
            .map(|days| days.iter().map(|day| (day.date, day.weight)).collect())
            .collect();
        let way = self.way();
        let words: Vec<&str> = way.lines().skip(1).collect();
        let last = self.days.last().map(|day| day.date.to_string()).unwrap_or_default();
        let first = self.days.first().map(|day| day.date.to_string()).unwrap_or_default();
        let title = self.short_title();
        let title = text!(
            self.language,
            en: "{title}, {first} to {last}",
            pt: "{title}, {first} a {last}"
        );
        let words = words.join("; ");
        let caption = Caption {
            title: self.shown.title(self.language, &title),
            source: self.shown.source_in_words(self.language),
            description: text!(
                self.language,
                en: "A line of weights in per cent, {words}.",
                pt: "Linha com as participações em por cento, {words}."
            ),
        };
        svg::line(&caption, &stretches, self.language)
    }

    fn short_title(&self) -> String {
        let (name, index) = (self.name(), &self.shown.index);
        text!(self.language, en: "{name} in {index}", pt: "{name} no {index}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32, weight: &str) -> Day {
        Day {
            date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            weight: weight.parse().unwrap(),
            quantity: 1_000,
            constituents: None,
            sector: Some("Mineração".to_owned()),
            follows_gap: false,
        }
    }

    #[test]
    fn only_days_between_the_ends_are_shown_and_both_ends_belong_to_them() {
        let days = vec![day(19, "1"), day(20, "2"), day(23, "3")];
        let date = |day| NaiveDate::from_ymd_opt(2026, 11, day);
        let chosen = within(days.clone(), date(20), date(23)).unwrap();
        assert_eq!(chosen, days.get(1..).unwrap());
        let none = within(days, date(21), date(22)).unwrap_err().to_string();
        assert!(none.contains("2026-11-19") && none.contains("2026-11-23"), "{none}");
    }

    #[test]
    fn nothing_is_compared_or_drawn_across_days_on_which_it_was_not_in_the_index() {
        let all = [18, 19, 20, 23, 24].map(|day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
        let days = vec![day(18, "1"), day(19, "2"), day(23, "5"), day(24, "9")];
        let days = with_gaps(days, &all);
        let gaps: Vec<_> = days.iter().map(|day| day.follows_gap).collect();
        assert_eq!(gaps, [false, false, true, false]);
        let shown = TablesShown { index: "IBOV".into(), source: Source::B3 };
        let subject = Subject::Stock("VALE3".into());
        let language = Language::English;
        let history = History { shown: &shown, subject: &subject, days: &days, language };
        let table = history.table().render(Screen { width: None, language });
        for row in ["2026-11-19\t2\t1\t", "2026-11-23\t5\t\t", "2026-11-24\t9\t4\t"] {
            assert!(table.contains(row), "{row} in\n{table}");
        }
        let svg = history.svg();
        let (_, path) = svg.split_once("<path class=\"line\" d=\"").unwrap();
        let (path, _) = path.split_once('"').unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 2), "{path}");
    }

    #[test]
    fn numbers_in_json_are_numbers() {
        let text = serde_json::to_string(&day(20, "6.580")).unwrap();
        assert_eq!(
            text,
            r#"{"date":"2026-11-20","weight":6.580,"quantity":1000,"sector":"Mineração"}"#
        );
    }
}
