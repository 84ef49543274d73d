//! The answer of a query as a table, or in the form of other programs: there numbers are numbers, in no language's way
//! of writing them.

mod column;
mod json;
mod parquet;
mod xlsx;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use harness::stack::athena::QueryResult;

use self::column::columns;
use crate::output::{Column, Screen, Table, Value, text};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; tabs between the columns in a pipe or a file.
    Table,
    /// RFC 4180: commas, and a point in decimals.
    Csv,
    /// A list of objects, one a line.
    Json,
    /// For spreadsheet programs.
    Xlsx,
    /// For programs that calculate, with the types of Athena's columns.
    Parquet,
}

impl Format {
    /// What is asked for, or what the file's name means, or else a table.
    pub(crate) fn choose(asked: Option<Self>, out: Option<&Path>) -> Result<Self> {
        let format = match (asked, out) {
            (Some(format), _) => format,
            (None, None) => Self::Table,
            (None, Some(path)) => Self::of_name(path).with_context(|| {
                let path = path.display();
                text!(
                    en: "the name {path} says no format: end it with .csv, .json, .xlsx, .parquet or .tsv, or add --format",
                    pt: "o nome {path} não indica o formato: termine-o com .csv, .json, .xlsx, .parquet ou .tsv, ou acrescente --format",
                )
            })?,
        };
        if out.is_none() && matches!(format, Self::Xlsx | Self::Parquet) {
            let name = format.name();
            bail!(text!(
                en: "{name} goes to a file only: name one with --out",
                pt: "{name} só vai para um arquivo: indique um com --out",
            ));
        }
        Ok(format)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }

    fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "tsv" | "txt" => Some(Self::Table),
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "xlsx" => Some(Self::Xlsx),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// An answer in a format. What is text ends with a line break.
pub(crate) fn encode(result: &QueryResult, format: Format, screen: Screen) -> Result<Vec<u8>> {
    match format {
        Format::Table => Ok(format!("{}\n", table(result).render(screen)).into_bytes()),
        Format::Csv => csv(result),
        Format::Json => Ok(json::encode(result)?.into_bytes()),
        Format::Xlsx => xlsx::encode(&columns(result)),
        Format::Parquet => parquet::encode(columns(result)),
    }
}

fn table(result: &QueryResult) -> Table {
    let types = result.types.iter().map(|column| column.name.as_str()).map(column::is_number);
    let numbers: Vec<bool> =
        types.chain(std::iter::repeat(false)).take(result.columns.len()).collect();
    let headings = result.columns.iter().zip(&numbers);
    let mut table = Table::new(headings.map(|(name, is_number)| {
        if *is_number { Column::number(name) } else { Column::text(name) }
    }));
    for row in &result.rows {
        table.row(row.iter().zip(&numbers).map(|(cell, is_number)| match cell {
            None => Value::Missing,
            Some(text) if *is_number => Value::number(text),
            Some(text) => Value::text(text),
        }));
    }
    table
}

fn csv(result: &QueryResult) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&result.columns)?;
    for row in &result.rows {
        writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default()))?;
    }
    writer.into_inner().context("cannot write CSV")
}

#[cfg(test)]
mod tests {
    use harness::stack::athena::ColumnType;

    use super::*;
    use crate::output::Language;

    /// As the emulator answers, which does not know the scale of a decimal.
    pub(super) fn answer() -> QueryResult {
        let columns = [
            ("setor", "varchar"),
            ("data", "date"),
            ("soma_part", "decimal"),
            ("soma_qtd_teorica", "bigint"),
            ("dias", "integer"),
            ("media", "double"),
            ("inteiro", "boolean"),
            ("em", "timestamp"),
        ];
        let types = columns.map(|(_, name)| ColumnType {
            name: name.to_owned(),
            precision: if name == "decimal" { 38 } else { 0 },
            scale: 0,
        });
        let rows = [
            [
                "Previd  \"S\", x",
                "2026-11-20",
                "1020.670",
                "9007199254740993",
                "-3",
                "0.5",
                "true",
                "2026-11-20 13:00:00.250",
            ]
            .map(|cell| Some(cell.to_owned())),
            [const { None }; 8],
        ];
        QueryResult {
            columns: columns.map(|(name, _)| name.to_owned()).to_vec(),
            types: types.to_vec(),
            rows: rows.map(|row| row.to_vec()).to_vec(),
        }
    }

    fn text(format: Format) -> String {
        let screen = Screen { language: Language::Portuguese, width: Some(200) };
        String::from_utf8(encode(&answer(), format, screen).unwrap()).unwrap()
    }

    #[test]
    fn the_format_is_that_of_the_files_name_unless_another_is_asked_for() {
        let choose = |asked, out: Option<&str>| Format::choose(asked, out.map(Path::new));
        assert_eq!(choose(None, None).unwrap(), Format::Table);
        assert_eq!(choose(None, Some("a.b/x.XLSX")).unwrap(), Format::Xlsx);
        assert_eq!(choose(None, Some("x.parquet")).unwrap(), Format::Parquet);
        assert_eq!(choose(Some(Format::Csv), Some("x.json")).unwrap(), Format::Csv);
        let unknown = choose(None, Some("x")).unwrap_err().to_string();
        assert!(unknown.contains("--format"), "{unknown}");
        let no_file = choose(Some(Format::Xlsx), None).unwrap_err().to_string();
        assert!(no_file.contains("--out"), "{no_file}");
    }

    #[test]
    fn a_table_is_for_people_and_csv_for_programs() {
        let table = text(Format::Table);
        for part in ["┆ 1.020,670 ┆", "9.007.199.254.740.993", "2026-11-20", "–"] {
            assert!(table.contains(part), "{part} in\n{table}");
        }
        assert_eq!(
            text(Format::Csv),
            "setor,data,soma_part,soma_qtd_teorica,dias,media,inteiro,em\n\
             \"Previd  \"\"S\"\", x\",2026-11-20,1020.670,9007199254740993,-3,0.5,true,2026-11-20 13:00:00.250\n\
             ,,,,,,,\n"
        );
    }
}
