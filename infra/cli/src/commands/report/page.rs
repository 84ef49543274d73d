//! The page, from the report alone: `templates/report.html` with `report.css` and `report.js` in it.

use anyhow::{Context as _, Result};
use askama::Template;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

use super::{
    super::tables_shown::Source,
    chart::{self, Drawn},
    data::{Chain, Change, History, Layer, Line, Moves, Report, Run, Session, Stock, Work},
    words::{Words, fill},
};
use crate::output::Language;

const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// A whole document, which needs nothing from elsewhere.
pub(super) fn render(report: &Report, language: Language) -> Result<String> {
    Page::new(report, language).render().context("cannot write the page")
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    w: &'static Words,
    style: &'static str,
    script: &'static str,
    policy: String,
    title: String,
    warning: Option<(&'static str, &'static str)>,
    source: String,
    made_at: Marked,
    date: Marked,
    before: Option<Marked>,
    figures: Vec<Figure>,
    sectors: Vec<SectorRow>,
    total_weight: Marked,
    total_constituents: Marked,
    total_quantity: Marked,
    moves: Option<MovesView>,
    stocks: Vec<StockRow>,
    has_sectors: bool,
    history_intro: String,
    sector_lines: Vec<LineView>,
    stock_lines: Vec<LineView>,
    layers: Vec<LayerRow>,
    fetched_at: Option<Marked>,
    due: Vec<Marked>,
    work: Option<WorkView>,
    width: i64,
    height: i64,
}

/// A value as machines read it and as people do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marked {
    value: String,
    text: String,
    /// `up` or `down`, of a change.
    class: &'static str,
}

struct Figure {
    label: &'static str,
    value: Marked,
    unit: &'static str,
    note: Option<&'static str>,
    change: Option<Marked>,
}

struct SectorRow {
    name: String,
    /// Length of the bar, of 100.
    bar: String,
    weight: Marked,
    change: Option<Marked>,
    constituents: Marked,
    quantity: Marked,
}

struct StockRow {
    code: String,
    company: String,
    kind: String,
    sector: String,
    weight: Marked,
    change: Option<Marked>,
    quantity: Marked,
}

struct MovesView {
    entered: Vec<StockRow>,
    left: Vec<StockRow>,
    changed: Vec<ChangeRow>,
}

struct ChangeRow {
    code: String,
    company: String,
    before: Marked,
    weight: Marked,
    change: Marked,
}

struct LineView {
    /// For the ids of its parts.
    id: String,
    name: String,
    note: String,
    now: Option<Marked>,
    chart: Option<ChartView>,
    values: Vec<(Marked, Option<Marked>)>,
}

struct ChartView {
    path: String,
    end: (i64, i64),
    title: String,
    description: String,
    range: String,
    change: Marked,
}

struct LayerRow {
    name: &'static str,
    newest: Option<Marked>,
    sessions: Marked,
}

struct WorkView {
    queues: Vec<(&'static str, Marked, Marked)>,
    runs: Vec<RunRow>,
}

struct RunRow {
    id: String,
    state: String,
    started_at: Option<Marked>,
    seconds: Option<Marked>,
}

impl Page {
    fn new(report: &Report, language: Language) -> Self {
        let (w, view) = (Words::of(language), View(language));
        let Session { date, sectors, stocks } = &report.newest;
        let before = report.before.as_ref();
        let warning = match report.source {
            Source::Sample => Some((w.sample, w.sample_more)),
            Source::AnotherServer => Some((w.another_server, w.another_server_more)),
            Source::B3 | Source::Stack(_) => None,
        };
        let source = match &report.source {
            Source::B3 => w.from_b3.to_owned(),
            Source::Stack(name) => fill(w.from_stack, &[name]),
            Source::Sample | Source::AnotherServer => String::new(),
        };
        let heaviest = sectors.iter().map(|sector| sector.weight).max().unwrap_or_default();
        let compared = before.filter(|before| !before.stocks.is_empty());
        Self {
            w,
            style: STYLE,
            script: SCRIPT,
            policy: policy(),
            title: fill(w.title, &[&report.index]),
            warning,
            source,
            made_at: view.time(report.made_at),
            date: view.date(*date),
            before: before.map(|before| view.date(before.date)),
            figures: view.figures(report),
            sectors: sectors
                .iter()
                .map(|sector| SectorRow {
                    name: sector.name.clone(),
                    bar: share(sector.weight, heaviest),
                    weight: view.decimal(sector.weight),
                    change: before.map(|before| {
                        let then = before.sector_weight(&sector.name).unwrap_or_default();
                        view.change(sector.weight - then)
                    }),
                    constituents: view.count(sector.constituents),
                    quantity: view.count(sector.quantity),
                })
                .collect(),
            total_weight: view.decimal(sectors.iter().map(|sector| sector.weight).sum()),
            total_constituents: view.count(sectors.iter().map(|sector| sector.constituents).sum()),
            total_quantity: view.count(sectors.iter().map(|sector| sector.quantity).sum()),
            moves: report.moves().map(|moves| view.moves(&moves)),
            stocks: stocks.iter().map(|stock| view.stock(stock, compared)).collect(),
            has_sectors: report.newest.has_sectors(),
            history_intro: view.history_intro(&report.history),
            sector_lines: view.lines(&report.history, &report.history.sectors, "s", |_| ""),
            stock_lines: view.lines(&report.history, &report.history.stocks, "a", |code| {
                let before = before.into_iter().flat_map(|before| &before.stocks);
                let mut known = stocks.iter().chain(before);
                known.find(|stock| stock.code == code).map_or("", |stock| &stock.company)
            }),
            layers: view.layers(&report.chain),
            fetched_at: report.chain.fetched_at.map(|at| view.time(at)),
            due: report.chain.due.iter().map(|date| view.date(*date)).collect(),
            work: report.chain.work.as_ref().map(|work| view.work(work)),
            width: chart::WIDTH,
            height: chart::HEIGHT,
        }
    }
}

/// Turns values into texts of one language.
#[derive(Clone, Copy)]
struct View(Language);

impl View {
    fn number(self, value: Decimal) -> String {
        with_minus(self.0.number(value))
    }

    fn written_date(self, date: NaiveDate) -> String {
        let pattern = match self.0 {
            Language::English => "%Y-%m-%d",
            Language::Portuguese => "%d/%m/%Y",
        };
        date.format(pattern).to_string()
    }

    fn decimal(self, value: Decimal) -> Marked {
        Marked { value: value.to_string(), text: self.number(value), class: "" }
    }

    fn count(self, value: i64) -> Marked {
        self.decimal(Decimal::from(value))
    }

    fn change(self, value: Decimal) -> Marked {
        let class = match value.cmp(&Decimal::ZERO) {
            std::cmp::Ordering::Less => "down",
            std::cmp::Ordering::Equal => "",
            std::cmp::Ordering::Greater => "up",
        };
        Marked { value: value.to_string(), text: with_minus(self.0.change(value)), class }
    }

    fn date(self, date: NaiveDate) -> Marked {
        Marked { value: date.to_string(), text: self.written_date(date), class: "" }
    }

    fn time(self, time: DateTime<Utc>) -> Marked {
        let value = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let text = format!("{} {} UTC", self.written_date(time.date_naive()), time.format("%H:%M"));
        Marked { value, text, class: "" }
    }

    fn figures(self, report: &Report) -> Vec<Figure> {
        let w = Words::of(self.0);
        let newest = &report.newest;
        let count = |count: usize| self.count(i64::try_from(count).unwrap_or(i64::MAX));
        let plain = |label, value| Figure { label, value, unit: "", note: None, change: None };
        let mut figures = vec![];
        if newest.has_sectors() {
            figures.push(plain(w.sectors, count(newest.sectors.len())));
        }
        if newest.stocks.is_empty() {
            return figures;
        }
        figures.push(plain(w.stocks, count(newest.stocks.len())));
        let now = newest.concentration();
        let before = report.before.as_ref().filter(|before| !before.stocks.is_empty());
        let before = before.map(Session::concentration);
        for (label, now, before) in [
            (w.top_5, now.top_5, before.map(|before| before.top_5)),
            (w.top_10, now.top_10, before.map(|before| before.top_10)),
        ] {
            let change = before.map(|before| self.change(now - before));
            figures.push(Figure { unit: "%", change, ..plain(label, self.decimal(now)) });
        }
        let herfindahl = self.decimal(now.herfindahl.round_dp(0));
        figures.push(Figure { note: Some(w.herfindahl_more), ..plain(w.herfindahl, herfindahl) });
        figures
    }

    fn stock(self, stock: &Stock, before: Option<&Session>) -> StockRow {
        let then = before.and_then(|before| before.stock_weight(&stock.code));
        StockRow {
            code: stock.code.clone(),
            company: stock.company.clone(),
            kind: stock.kind.clone(),
            sector: stock.sector.clone(),
            weight: self.decimal(stock.weight),
            change: match (before, then) {
                (None, _) => None,
                (Some(_), Some(then)) => Some(self.change(stock.weight - then)),
                (Some(_), None) => Some(Marked {
                    text: Words::of(self.0).new.to_owned(),
                    ..self.change(stock.weight)
                }),
            },
            quantity: self.count(stock.quantity),
        }
    }

    fn moves(self, moves: &Moves<'_>) -> MovesView {
        let rows = |stocks: &[&Stock]| stocks.iter().map(|stock| self.stock(stock, None)).collect();
        let change = |Change { stock, before, by }: &Change<'_>| ChangeRow {
            code: stock.code.clone(),
            company: stock.company.clone(),
            before: self.decimal(*before),
            weight: self.decimal(stock.weight),
            change: self.change(*by),
        };
        MovesView {
            entered: rows(&moves.entered),
            left: rows(&moves.left),
            changed: moves.changed.iter().map(change).collect(),
        }
    }

    fn history_intro(self, history: &History) -> String {
        let w = Words::of(self.0);
        let number = |count: usize| self.count(i64::try_from(count).unwrap_or(i64::MAX)).text;
        let (all, drawn) = (number(history.sessions), number(history.dates.len()));
        match history.sessions {
            0 | 1 => w.one_session.to_owned(),
            sessions if sessions == history.dates.len() => fill(w.all_drawn, &[&all]),
            _ => fill(w.some_drawn, &[&all, &drawn]),
        }
    }

    /// None where there is a single session: a table of one value says nothing new.
    fn lines<'a>(
        self,
        history: &History,
        lines: &[Line],
        prefix: &str,
        note: impl Fn(&str) -> &'a str,
    ) -> Vec<LineView> {
        if history.dates.len() < 2 {
            return vec![];
        }
        let view = |(place, line): (usize, &Line)| LineView {
            id: format!("{prefix}{place}"),
            name: line.name.clone(),
            note: note(&line.name).to_owned(),
            now: line.weights.last().copied().flatten().map(|weight| self.decimal(weight)),
            chart: chart::draw(&history.dates, line).map(|drawn| self.chart(&line.name, drawn)),
            // Newest first, as people look for it.
            values: history
                .dates
                .iter()
                .zip(&line.weights)
                .rev()
                .map(|(date, weight)| (self.date(*date), weight.map(|weight| self.decimal(weight))))
                .collect(),
        };
        lines.iter().enumerate().map(view).collect()
    }

    fn chart(self, name: &str, drawn: Drawn) -> ChartView {
        let w = Words::of(self.0);
        let date = |(date, _): (NaiveDate, Decimal)| self.written_date(date);
        let weight = |(_, weight): (NaiveDate, Decimal)| self.number(weight);
        let Drawn { path, end, lowest, highest, first, last } = drawn;
        let description = [
            weight(first),
            weight(last),
            weight(lowest),
            date(lowest),
            weight(highest),
            date(highest),
        ];
        ChartView {
            path,
            end,
            title: fill(w.chart_title, &[name, &date(first), &date(last)]),
            description: fill(w.chart_desc, &description.each_ref().map(String::as_str)),
            range: fill(w.range, &[&weight(lowest), &weight(highest)]),
            change: self.change(last.1 - first.1),
        }
    }

    fn layers(self, chain: &Chain) -> Vec<LayerRow> {
        let w = Words::of(self.0);
        let row = |(name, layer): (&'static str, Layer)| LayerRow {
            name,
            newest: layer.newest.map(|date| self.date(date)),
            sessions: self.count(i64::try_from(layer.sessions).unwrap_or(i64::MAX)),
        };
        [(w.landing, chain.landing), (w.raw, chain.raw), (w.refined, chain.refined)].map(row).into()
    }

    fn work(self, work: &Work) -> WorkView {
        let count = |count: usize| self.count(i64::try_from(count).unwrap_or(i64::MAX));
        let run = |run: &Run| RunRow {
            id: run.id.clone(),
            state: run.state.clone(),
            started_at: run.started_at.map(|at| self.time(at)),
            seconds: run.seconds.map(|seconds| self.count(i64::from(seconds))),
        };
        let queues = work.queues.iter();
        WorkView {
            queues: queues
                .map(|queue| (queue.stage.name(), count(queue.waiting), count(queue.parked)))
                .collect(),
            runs: work.runs.iter().map(run).collect(),
        }
    }
}

/// With the sign that is as wide as a plus and that screen readers read.
fn with_minus(number: String) -> String {
    number.replace('-', "−")
}

/// The share of `part` in `whole`, of 100.
fn share(part: Decimal, whole: Decimal) -> String {
    let share = part.checked_div(whole).unwrap_or_default() * Decimal::ONE_HUNDRED;
    share.round_dp(2).normalize().to_string()
}

/// Allows this page's own style and script, and no request at all. The empty icon keeps browsers from asking for one.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[cfg(test)]
mod tests;
