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
mod tests {
    use super::{
        super::data::tests::{date, report, stock},
        *,
    };

    const LANGUAGES: [Language; 2] = [Language::English, Language::Portuguese];

    fn page(report: &Report) -> String {
        render(report, Language::English).unwrap()
    }

    /// The report of the first session of a lake.
    fn one_session() -> Report {
        let report = report();
        let dates = vec![date(25)];
        let history = History { sessions: 1, dates, sectors: vec![], stocks: vec![] };
        Report { before: None, history, ..report }
    }

    #[test]
    fn texts_of_b3_stay_texts() {
        let mut hostile = report();
        let text = r#"<script>alert("x")</script>"#;
        let evil = Stock { company: text.into(), kind: text.into(), ..stock(text, text, "1.0") };
        hostile.newest.stocks.push(evil.clone());
        hostile.newest.sectors.first_mut().unwrap().name = text.into();
        hostile.before.as_mut().unwrap().stocks.push(Stock { code: "B\"'>".into(), ..evil });
        hostile.index = text.into();
        hostile.source = Source::Stack(text.into());
        for lines in [&mut hostile.history.sectors, &mut hostile.history.stocks] {
            lines.first_mut().unwrap().name = text.into();
        }
        for language in LANGUAGES {
            let page = render(&hostile, language).unwrap();
            assert_eq!(page.matches("<script>").count(), 1, "its own");
            assert!(!page.contains("alert(\"") && !page.contains("B\"'>"));
            assert!(page.contains("&#60;script&#62;"));
        }
    }

    #[test]
    fn nothing_is_asked_of_anybody() {
        for report in [report(), one_session()] {
            let page = page(&report);
            for reference in ["http:", "https:", "src=", "url(", "@import", "fetch(", "style=\""] {
                assert!(!page.contains(reference), "{reference}");
            }
            assert!(page.contains("default-src &#39;none&#39;"), "a policy that refuses requests");
            for own in [STYLE, SCRIPT] {
                assert!(policy().contains(&BASE64_STANDARD.encode(Sha256::digest(own))));
                assert!(page.contains(own), "as it was hashed");
            }
        }
    }

    #[test]
    fn a_single_session_has_neither_moves_nor_lines_and_says_so() {
        let page = page(&one_session());
        let words = Words::of(Language::English);
        assert!(page.contains(words.no_moves) && page.contains(words.one_session));
        assert!(!page.contains("class=\"line\"") && !page.contains(words.own_scale));
        assert!(!page.contains(words.change), "a column that would be empty");
    }

    #[test]
    fn a_session_without_stocks_is_not_called_one_that_the_lake_lacks() {
        let words = Words::of(Language::English);
        for is_newest in [true, false] {
            let mut report = report();
            let session = if is_newest { Some(&mut report.newest) } else { report.before.as_mut() };
            session.unwrap().stocks.clear();
            let page = page(&report);
            assert!(page.contains(words.no_stocks_to_compare) && !page.contains(words.no_moves));
        }
    }

    #[test]
    fn a_portfolio_without_sectors_has_no_table_of_them() {
        let mut report = report();
        for stock in &mut report.newest.stocks {
            stock.sector = "Sem setor".into();
        }
        report.newest.sectors.truncate(1);
        report.newest.sectors.first_mut().unwrap().name = "Sem setor".into();
        let page = page(&report);
        assert!(page.contains(Words::of(Language::English).no_sectors));
        assert!(!page.contains("Sem setor") && !page.contains("#sectors"));
        assert!(page.contains("VALE3"));
    }

    #[test]
    fn what_is_not_b3s_is_marked_in_title_banner_and_footer() {
        for language in LANGUAGES {
            let words = Words::of(language);
            for (source, mark) in
                [(Source::Sample, words.sample), (Source::AnotherServer, words.another_server)]
            {
                let page = render(&Report { source, ..report() }, language).unwrap();
                let page = page.replace("&#39;", "'");
                assert!(page.contains(&format!("<title>{mark}: ")), "{mark}");
                let (head, body) = page.split_once("<h1>").unwrap();
                assert!(head.contains(&format!("<strong>{mark}.</strong>")));
                let (_, footer) = body.split_once("<footer>").unwrap();
                assert!(footer.contains(mark) && !page.contains(words.from_b3));
            }
            let page = render(&report(), language).unwrap();
            assert!(page.contains(words.from_b3) && !page.contains("class=\"warning\""));
        }
    }

    #[test]
    fn each_language_has_its_own_numbers_and_dates() {
        let english = page(&report());
        assert!(english.contains(r#"<data value="2.500" class="up">+2.500</data>"#));
        assert!(english.contains(r#"<time datetime="2026-11-25">2026-11-25</time>"#));
        let portuguese = render(&report(), Language::Portuguese).unwrap();
        assert!(portuguese.contains("<html lang=\"pt-BR\">"));
        assert!(portuguese.contains(r#"<data value="-1.250" class="down">−1,250</data>"#));
        assert!(portuguese.contains(r#"<time datetime="2026-11-25">25/11/2026</time>"#));
        assert!(portuguese.contains(">5.999.999.999<"));
    }

    #[test]
    fn days_that_are_due_and_messages_that_are_parked_are_told() {
        use super::super::data::Queue;
        use harness::stack::Stage;

        let mut report = report();
        assert!(page(&report).contains(Words::of(Language::English).no_work));
        report.chain.due = vec![date(26)];
        report.chain.work = Some(Work {
            queues: vec![Queue { stage: Stage::Parquet, waiting: 0, parked: 3 }],
            runs: vec![Run {
                id: "jr_1".into(),
                state: "FAILED".into(),
                started_at: Some(report.made_at),
                seconds: None,
            }],
        });
        let page = page(&report);
        let (_, chain) = page.split_once("id=\"chain\"").unwrap();
        for part in ["2026-11-26", "parquet", ">3</data>", "jr_1", "FAILED"] {
            assert!(chain.contains(part), "{part}");
        }
    }

    #[test]
    fn ten_years_stay_below_two_megabytes() {
        let dates: Vec<_> = date(1).iter_days().take(120).collect();
        let line = |place: usize| Line {
            name: format!("Financeiro e Outros/Serviços Financeiros Diversos {place}"),
            weights: (0..120).map(|day| Some(Decimal::new(10_000 + day, 3))).collect(),
        };
        let mut report = report();
        report.history = History {
            sessions: 2_500,
            dates,
            sectors: (0..40).map(line).collect(),
            stocks: (0..100).map(line).collect(),
        };
        let page = page(&report);
        assert!(page.len() < 2_000_000, "{}", page.len());
        assert!(page.contains("Of 2,500 sessions, 120 are drawn"));
    }
}
