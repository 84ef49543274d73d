//! The day portfolio as B3's site offers it for download: the values of an answer of `GetPortfolioDay`, in a file.
//!
//! ```text
//! IBOV - Carteira do Dia 31/07/25
//! Código;Ação;Tipo;Qtde. Teórica;Part. (%)
//! ABEV3;AMBEV S/A;ON;4.394.835.131;2,795;
//! Quantidade Teórica Total;;;91.922.324.640;100,000
//! Redutor;;;15.433.595,60223638
//! ```
//!
//! With sectors there are two columns more: `Setor` and the sector's weight, `Part. (%)Acum.`. B3 writes the file in
//! ISO 8859-1. A spreadsheet that saves it again may write UTF-8, quote texts, fill lines up with semicolons, leave out
//! the zeros at the end of a weight (`2,79`) and the points between thousands; all of that has one reading only. Every
//! other difference is refused.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::{
    field::Field,
    payload::{Header, MAX_ROWS, PagePosition, PortfolioPage, Row},
    ptbr::{cut, shortened},
};
use crate::values::IndexCode;

const TITLE: &str = "Carteira do Dia";
const TOTAL: &str = "Quantidade Teórica Total";
const REDUCTOR: &str = "Redutor";

/// A file that can be read. Its values are as unproven as those of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFile {
    /// From the title.
    pub index: IndexCode,
    /// As if B3 had sent everything in one page. The rows know their lines.
    pub page: PortfolioPage,
    /// Whether there is a column for sectors.
    pub has_sectors: bool,
}

/// A text that is not such a file, or only a part of one. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    #[error("the file is empty")]
    Empty,
    #[error("line {line}: {source}")]
    Line { line: u64, source: csv::Error },
    #[error("line 1: {found:?} is no title such as \"IBOV - Carteira do Dia 31/07/25\"")]
    Title { found: String },
    #[error(
        "line {line}: there is no column {missing:?}, or the fields are not separated by semicolons; the line begins {found:?}"
    )]
    Column { line: u64, missing: &'static str, found: String },
    #[error("line {line}: the column {name:?} appears twice")]
    ColumnTwice { line: u64, name: &'static str },
    #[error(
        "line {line} has {found} fields, but the header has {expected}: it begins {beginning:?}"
    )]
    Fields { line: u64, found: usize, expected: usize, beginning: String },
    #[error("more than {MAX_ROWS} rows")]
    TooManyRows,
    #[error("the file ends after line {line} without the line {TOTAL:?}: it is not whole")]
    Truncated { line: u64 },
    #[error("line {line}: beside {label:?} there are {found} values, not {expected}")]
    Total { line: u64, label: &'static str, found: usize, expected: &'static str },
    #[error("line {line}: {found:?} follows the totals, which are the last lines of a file")]
    AfterTotals { line: u64, found: String },
}

/// Reads a decoded file.
///
/// # Errors
/// [`CsvError`] for the first line that is not as B3 writes it.
pub fn parse(text: &str) -> Result<DayFile, CsvError> {
    let mut lines = Lines::new(text);
    let title = lines.next()?.ok_or(CsvError::Empty)?;
    let (index, date) = read_title(&title)?;
    let names = lines.next()?.ok_or(CsvError::Truncated { line: title.line })?;
    let columns = Columns::find(&names)?;
    let mut results = Vec::new();
    let mut last = names.line;
    let mut header = loop {
        let line = lines.next()?.ok_or(CsvError::Truncated { line: last })?;
        last = line.line;
        if line.label() == TOTAL {
            break totals(&line, date)?;
        }
        if results.len() == MAX_ROWS {
            return Err(CsvError::TooManyRows);
        }
        results.push(columns.row(&line)?);
    };
    let mut has_reductor = false;
    while let Some(line) = lines.next()? {
        if line.label() != REDUCTOR || has_reductor {
            let found = shortened(line.label());
            return Err(CsvError::AfterTotals { line: line.line, found });
        }
        header.reductor = reductor(&line)?;
        has_reductor = true;
    }
    let position = PagePosition {
        // The file does not say how many rows it has.
        total_records: u32::try_from(results.len()).unwrap_or(u32::MAX),
        total_pages: 1,
    };
    let page = PortfolioPage { position, header: Some(header), results: Some(results) };
    Ok(DayFile { index, page, has_sectors: columns.sector.is_some() })
}

/// A line without the empty fields at its end.
struct Line {
    line: u64,
    record: StringRecord,
    fields: usize,
}

impl Line {
    fn label(&self) -> &str {
        self.field(0).trim()
    }

    fn field(&self, position: usize) -> &str {
        self.record.get(position).unwrap_or_default()
    }

    fn beginning(&self) -> String {
        const CHARACTERS: usize = 60;
        let fields: Vec<_> = self.record.iter().take(self.fields).collect();
        cut(&fields.join(";"), CHARACTERS)
    }

    /// What is beside the first field.
    fn values(&self) -> Vec<&str> {
        let values = self.record.iter().skip(1).map(str::trim);
        values.filter(|value| !value.is_empty()).collect()
    }
}

/// The lines that are not empty.
struct Lines<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    /// The number of the line that begins at this byte.
    counted: (u64, usize),
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let mut options = ReaderBuilder::new();
        options.delimiter(b';').has_headers(false).flexible(true);
        Self { text, reader: options.from_reader(text.as_bytes()), counted: (1, 0) }
    }

    fn next(&mut self) -> Result<Option<Line>, CsvError> {
        let mut record = StringRecord::new();
        loop {
            let line = self.next_line();
            let read = self.reader.read_record(&mut record);
            if !read.map_err(|source| CsvError::Line { line, source })? {
                return Ok(None);
            }
            let filled = |field: &(usize, &str)| !field.1.trim().is_empty();
            let last = record.iter().enumerate().filter(filled).last();
            if let Some((last, _)) = last {
                return Ok(Some(Line { line, record, fields: last + 1 }));
            }
        }
    }

    /// The line of the next record. The reader's own count is late by what it skips before a record.
    fn next_line(&mut self) -> u64 {
        let (mut line, start) = self.counted;
        let at = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let rest = self.text.get(at..).unwrap_or_default();
        let end = at + (rest.len() - rest.trim_start_matches(['\r', '\n']).len());
        let between = self.text.get(start..end).unwrap_or_default();
        line += between.bytes().map(|byte| u64::from(byte == b'\n')).sum::<u64>();
        self.counted = (line, end);
        line
    }
}

/// `IBOV - Carteira do Dia 31/07/25`: the index, and the date as it is written.
fn read_title(title: &Line) -> Result<(IndexCode, String), CsvError> {
    let words: Vec<&str> = title.label().split_whitespace().collect();
    let parts = || {
        let (date, others) = words.split_last()?;
        let (index, rest) = others.split_first()?;
        let is_title = title.fields == 1 && rest.join(" ") == format!("- {TITLE}");
        is_title.then(|| Some((index.parse().ok()?, (*date).to_owned())))?
    };
    parts().ok_or_else(|| CsvError::Title { found: title.beginning() })
}

/// The positions of the columns.
struct Columns {
    count: usize,
    sector: Option<usize>,
    ticker: usize,
    asset: usize,
    kind: usize,
    quantity: usize,
    weight: usize,
    sector_weight: Option<usize>,
}

impl Columns {
    /// Columns that B3 adds are ignored.
    fn find(names: &Line) -> Result<Self, CsvError> {
        // Spaces differ between the two forms of the file, and capital letters between editions.
        let plain = |name: &str| -> String {
            name.chars()
                .filter(|letter| !letter.is_whitespace())
                .flat_map(char::to_lowercase)
                .collect()
        };
        let mut positions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, name) in names.record.iter().enumerate().take(names.fields) {
            positions.entry(plain(name)).or_default().push(position);
        }
        let line = names.line;
        let optional = |name: &'static str| match positions.get(&plain(name)).map(Vec::as_slice) {
            None => Ok(None),
            Some(&[position]) => Ok(Some(position)),
            Some(_) => Err(CsvError::ColumnTwice { line, name }),
        };
        let required = |name: &'static str| {
            let absent = || CsvError::Column { line, missing: name, found: names.beginning() };
            optional(name)?.ok_or_else(absent)
        };
        Ok(Self {
            count: names.fields,
            sector: optional("Setor")?,
            ticker: required("Código")?,
            asset: required("Ação")?,
            kind: required("Tipo")?,
            quantity: required("Qtde. Teórica")?,
            weight: required("Part. (%)")?,
            sector_weight: optional("Part. (%) Acum.")?,
        })
    }

    fn row(&self, line: &Line) -> Result<Row, CsvError> {
        // Only values at the end may be missing, and those are refused or warned of by name.
        if line.fields > self.count || line.fields < 2 {
            let (line, found, beginning) = (line.line, line.fields, line.beginning());
            return Err(CsvError::Fields { line, found, expected: self.count, beginning });
        }
        let text = |position: usize| present(line.field(position).to_owned());
        Ok(Row {
            segment: self.sector.map_or(Field::Null, text),
            cod: text(self.ticker),
            asset: text(self.asset),
            kind: text(self.kind),
            part: present(whole_weight(line.field(self.weight))),
            part_acum: self
                .sector_weight
                .map_or(Field::Null, |position| present(whole_weight(line.field(position)))),
            theorical_qty: present(grouped_integer(line.field(self.quantity))),
            line: Some(line.line),
        })
    }
}

/// An empty field is B3's null.
fn present(text: String) -> Field<String> {
    if text.trim().is_empty() { Field::Null } else { Field::Present(text) }
}

fn totals(line: &Line, date: String) -> Result<Header, CsvError> {
    let (quantity, weight) = match *line.values().as_slice() {
        // With sectors the weight stands in the column of the sectors' weights too.
        [quantity, weight] | [quantity, weight, _] => (quantity, weight),
        ref others => {
            let (line, found) = (line.line, others.len());
            return Err(CsvError::Total { line, label: TOTAL, found, expected: "2 or 3" });
        }
    };
    Ok(Header {
        date: Field::Present(date),
        part: Field::Present(whole_weight(weight)),
        reductor: Field::Null,
        theorical_qty: Field::Present(grouped_integer(quantity)),
    })
}

fn reductor(line: &Line) -> Result<Field<Value>, CsvError> {
    match *line.values().as_slice() {
        [] => Ok(Field::Null),
        [value] => Ok(Field::Present(value.into())),
        ref others => {
            let (line, found) = (line.line, others.len());
            Err(CsvError::Total { line, label: REDUCTOR, found, expected: "1" })
        }
    }
}

/// `2,79` as `2,790`, and `100` as `100,000`. Everything else stays, to be refused as it is written.
fn whole_weight(text: &str) -> String {
    let (whole, decimals) = text.split_once(',').unwrap_or((text, ""));
    let fits = (1..=3).contains(&whole.len()) && digits_only(whole);
    match decimals.len() {
        0..=2 if fits && (decimals.is_empty() || digits_only(decimals)) => {
            format!("{whole},{decimals:0<3}")
        }
        _ => text.to_owned(),
    }
}

/// `1243177587` as `1.243.177.587`. Everything else stays, to be refused as it is written.
fn grouped_integer(text: &str) -> String {
    if text.len() <= 3 || !digits_only(text) {
        return text.to_owned();
    }
    let mut grouped = String::new();
    for (place, digit) in text.chars().enumerate() {
        if place > 0 && (text.len() - place).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    grouped
}

fn digits_only(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
