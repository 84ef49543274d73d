//! `ibov chart`: the weights of one day as bars.

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use harness::stack::{
    Stack,
    athena::{self, Sector},
};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    sector_table::sector_table,
    sessions::{self, cell, parsed},
    tables_shown::{Source, Tables, TablesShown},
    with_tables,
};
use crate::{
    args::{By, ChartArgs},
    output::{
        Column, Language, Screen, Table, Value, json_number, plural, print_heading, print_line,
        text, write_file,
    },
    svg::{self, Bar, Caption},
};

/// More do not fit a screen.
const STOCKS: u16 = 20;

/// The document of `--json`, whose rows have the names of the tables' columns.
#[derive(Debug, Serialize)]
struct Document<'a> {
    index: &'a str,
    source: &'a Source,
    date: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    sectors: Option<Vec<SectorRow<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stocks: Option<&'a [Stock]>,
}

#[derive(Debug, Serialize)]
struct SectorRow<'a> {
    setor: &'a str,
    #[serde(serialize_with = "json_number")]
    soma_part: Decimal,
    total_codigo: i64,
    soma_qtd_teorica: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Stock {
    codigo: String,
    acao: String,
    setor: String,
    #[serde(serialize_with = "json_number")]
    participacao: Decimal,
}

/// What one chart shows, the heaviest first.
#[derive(Debug)]
enum Weights {
    Sectors(Vec<Sector>),
    Stocks(Vec<Stock>),
}

struct Chart<'a> {
    shown: &'a TablesShown,
    date: NaiveDate,
    weights: Weights,
    top: usize,
    language: Language,
}

pub(crate) async fn chart(args: &ChartArgs) -> Result<()> {
    with_tables(&args.tables, async |Tables { stack, shown }| {
        let date = sessions::pick(&sessions::all(&stack).await?, args.date)?;
        let weights = match args.by {
            By::Sector => Weights::Sectors(athena::sectors(&stack, date).await?),
            By::Stock => Weights::Stocks(stocks(&stack, date).await?),
        };
        let all = if args.by == By::Stock { usize::from(STOCKS) } else { usize::MAX };
        let screen = Screen::stdout();
        let chart = Chart {
            shown: &shown,
            date,
            weights,
            top: args.top.map_or(all, usize::from),
            language: screen.language,
        };
        if let Some(path) = &args.out {
            write_file(path, chart.svg().as_bytes())?;
        }
        if args.json {
            return print_line(serde_json::to_string(&chart.document())?);
        }
        if let Some(path) = &args.out {
            return print_line(path.display());
        }
        print_heading(screen, shown.title(screen.language, &chart.title()))?;
        print_line(chart.table(screen))
    })
    .await
}

async fn stocks(stack: &Stack, date: NaiveDate) -> Result<Vec<Stock>> {
    // The named query `heaviest-stocks` has ten of them.
    let sql = format!(
        "SELECT codigo, acao, setor, participacao FROM vw_ibov_carteira WHERE data = DATE '{date}' ORDER BY participacao DESC, codigo"
    );
    let result = athena::query(stack, &sql).await?;
    let stocks = result.rows.iter().map(|row| {
        Ok(Stock {
            codigo: cell(row, 0),
            acao: cell(row, 1),
            setor: cell(row, 2),
            participacao: parsed(row, 3)?,
        })
    });
    stocks.collect::<Result<_>>().context("vw_ibov_carteira")
}

impl Chart<'_> {
    fn title(&self) -> String {
        let (index, date) = (&self.shown.index, self.date);
        match &self.weights {
            Weights::Sectors(_) => text!(
                self.language,
                en: "{index} of {date}, by sector",
                pt: "{index} de {date}, por setor"
            ),
            Weights::Stocks(_) => text!(
                self.language,
                en: "{index} of {date}, by stock",
                pt: "{index} de {date}, por ação"
            ),
        }
    }

    fn document(&self) -> Document<'_> {
        let (sectors, stocks) = match &self.weights {
            Weights::Sectors(sectors) => (Some(sectors), None),
            Weights::Stocks(stocks) => (None, Some(stocks.as_slice())),
        };
        let sectors = sectors.map(|sectors| {
            let rows = sectors.iter().map(|sector| SectorRow {
                setor: &sector.name,
                soma_part: sector.weight,
                total_codigo: sector.constituents,
                soma_qtd_teorica: sector.quantity,
            });
            rows.collect()
        });
        Document {
            index: &self.shown.index,
            source: &self.shown.source,
            date: self.date,
            sectors,
            stocks,
        }
    }

    fn table(&self, screen: Screen) -> String {
        match &self.weights {
            Weights::Sectors(sectors) => sector_table(sectors, self.top, screen),
            Weights::Stocks(stocks) => self.stock_table(stocks, screen),
        }
    }

    fn stock_table(&self, stocks: &[Stock], screen: Screen) -> String {
        let language = self.language;
        let mut table = Table::new([
            Column::text(text!(language, en: "stock", pt: "ação")),
            Column::text(text!(language, en: "company", pt: "empresa")).drops(2),
            Column::number(text!(language, en: "weight %", pt: "participação %")),
            Column::bar().drops(3),
            Column::text(text!(language, en: "sector", pt: "setor")).drops(1),
        ]);
        let whole = stocks.iter().map(|stock| stock.participacao).max().unwrap_or_default();
        let (top, others) = stocks.split_at_checked(self.top).unwrap_or((stocks, &[]));
        for stock in top {
            table.row([
                Value::text(&stock.codigo),
                Value::text(&stock.acao),
                Value::number(stock.participacao),
                Value::Bar { part: stock.participacao, whole },
                Value::text(&stock.setor),
            ]);
        }
        if !others.is_empty() {
            let name = self.name_of_others(others.len());
            let weight = others.iter().map(|stock| stock.participacao).sum::<Decimal>();
            let empty = || Value::text("");
            table.row([Value::Text(name), empty(), Value::number(weight), empty(), empty()]);
        }
        table.render(screen)
    }

    /// What those that have no row of their own are called together.
    fn name_of_others(&self, number: usize) -> String {
        let (en, pt) = match &self.weights {
            Weights::Sectors(_) => (
                plural(number, "other sector", "other sectors"),
                plural(number, "outro setor", "outros setores"),
            ),
            Weights::Stocks(_) => (
                plural(number, "other stock", "other stocks"),
                plural(number, "outra ação", "outras ações"),
            ),
        };
        text!(self.language, en: "{number} {en}", pt: "{number} {pt}")
    }

    fn svg(&self) -> String {
        let all: Vec<(String, Decimal)> = match &self.weights {
            Weights::Sectors(sectors) => {
                sectors.iter().map(|sector| (sector.name.clone(), sector.weight)).collect()
            }
            Weights::Stocks(stocks) => stocks
                .iter()
                .map(|stock| (format!("{} {}", stock.codigo, stock.acao), stock.participacao))
                .collect(),
        };
        let (top, others) = all.split_at_checked(self.top).unwrap_or((&all, &[]));
        let bars = top.iter().map(|(label, weight)| Bar { label: label.clone(), weight: *weight });
        let bars: Vec<Bar> = bars.collect();
        let heaviest = bars.first();
        let heaviest = heaviest.map_or_else(String::new, |bar| {
            format!("{} ({} %)", bar.label, self.language.number(bar.weight))
        });
        let number = all.len();
        let mut description = text!(
            self.language,
            en: "Bars of weights in per cent. Of {number} the heaviest is {heaviest}.",
            pt: "Barras com as participações em por cento. De {number}, a maior é {heaviest}."
        );
        let others = (!others.is_empty()).then(|| Bar {
            label: self.name_of_others(others.len()),
            weight: others.iter().map(|(_, weight)| *weight).sum(),
        });
        if let Some(Bar { label, weight }) = &others {
            let weight = self.language.number(*weight);
            description.push_str(&text!(
                self.language,
                en: " Without a bar, {label}: {weight} %.",
                pt: " Sem barra, {label}: {weight} %."
            ));
        }
        let caption = Caption {
            title: self.shown.title(self.language, &self.title()),
            source: self.shown.source_in_words(self.language),
            description,
        };
        svg::bars(&caption, &bars, others.as_ref(), self.language)
    }
}
