//! A workbook with one sheet. Numbers are numbers, which the spreadsheet program shows in its own language.

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, NaiveDateTime};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::column::{TypedColumn, Values};

/// A spreadsheet keeps so many digits of a number. What has more of them stays a text, so that none is lost.
const DIGITS: usize = 15;

pub(super) fn encode(columns: &[TypedColumn]) -> Result<Vec<u8>> {
    write(columns).context("cannot write the workbook")
}

fn write(columns: &[TypedColumn]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let heading = Format::new().set_bold();
    let (mut place, mut last) = (0, 0);
    for column in columns {
        sheet.write_with_format(0, place, &column.name, &heading)?;
        last = write_values(sheet, place, &column.values)?;
        place += 1;
    }
    if place > 0 {
        sheet.set_freeze_panes(1, 0)?.autofilter(0, 0, last, place - 1)?;
    }
    sheet.autofit();
    workbook.save_to_buffer()
}

/// Returns the last row.
fn write_values(sheet: &mut Worksheet, column: u16, values: &Values) -> Result<u32, XlsxError> {
    let format = |pattern: &str| Format::new().set_num_format(pattern);
    match values {
        Values::Text(values) => each(values, |row, text| {
            sheet.write_string(row, column, text)?;
            Ok(())
        }),
        Values::Integer(values) => {
            let format = format("#,##0");
            each(values, |row, number| {
                number_at(sheet, (row, column), &number.to_string(), &format)
            })
        }
        Values::BigInteger(values) => {
            let format = format("#,##0");
            each(values, |row, number| {
                number_at(sheet, (row, column), &number.to_string(), &format)
            })
        }
        Values::Decimal { scale, unscaled, .. } => {
            let pattern = if *scale == 0 {
                "#,##0".to_owned()
            } else {
                format!("#,##0.{}", "0".repeat(*scale))
            };
            let format = format(&pattern);
            each(unscaled, |row, number| {
                number_at(sheet, (row, column), &decimal(*number, *scale), &format)
            })
        }
        Values::Double(values) => each(values, |row, number| {
            if number.is_finite() {
                sheet.write_number(row, column, *number)?;
            } else {
                sheet.write_string(row, column, number.to_string())?;
            }
            Ok(())
        }),
        Values::Boolean(values) => each(values, |row, value| {
            sheet.write_boolean(row, column, *value)?;
            Ok(())
        }),
        Values::Date(values) => {
            let format = format("yyyy-mm-dd");
            each(values, |row, date| {
                time_at(sheet, (row, column), date.and_time(chrono::NaiveTime::MIN), &format)
            })
        }
        Values::Timestamp(values) => {
            let format = format("yyyy-mm-dd hh:mm:ss.000");
            each(values, |row, time| time_at(sheet, (row, column), *time, &format))
        }
    }
}

/// Writes what is not NULL, from the row below the heading on.
fn each<T>(
    values: &[Option<T>],
    mut write: impl FnMut(u32, &T) -> Result<(), XlsxError>,
) -> Result<u32, XlsxError> {
    let mut row = 0;
    for value in values {
        row += 1;
        if let Some(value) = value {
            write(row, value)?;
        }
    }
    Ok(row)
}

fn number_at(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    text: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    let digits =
        text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    match text.parse::<f64>() {
        Ok(number) if digits <= DIGITS => {
            sheet.write_number_with_format(row, column, number, format)?;
        }
        Ok(_) | Err(_) => {
            sheet.write_string(row, column, text)?;
        }
    }
    Ok(())
}

/// Spreadsheets count days from 1900. Earlier times are texts.
fn time_at(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    time: NaiveDateTime,
    format: &Format,
) -> Result<(), XlsxError> {
    let first =
        NaiveDate::from_ymd_opt(1900, 3, 1).map(|date| date.and_time(chrono::NaiveTime::MIN));
    match ExcelDateTime::parse_from_str(&time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()) {
        Ok(known) if Some(time) >= first => {
            sheet.write_datetime_with_format(row, column, &known, format)?;
        }
        Ok(_) | Err(_) => {
            sheet.write_string(row, column, time.to_string())?;
        }
    }
    Ok(())
}

fn decimal(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{column::columns, tests::answer},
        *,
    };

    /// The sheet as it is stored. A text there is a reference, `t="s"`; a number has no type.
    fn sheet(file: Vec<u8>) -> String {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
        let entry = archive.by_name("xl/worksheets/sheet1.xml").unwrap();
        std::io::read_to_string(entry).unwrap()
    }

    #[test]
    fn numbers_and_dates_are_numbers_unless_digits_would_get_lost() {
        let text = sheet(encode(&columns(&answer())).unwrap());
        let cell = |name: &str| {
            let (_, rest) = text.split_once(&format!("<c r=\"{name}\"")).unwrap();
            let (attributes, rest) = rest.split_once("><v>").unwrap();
            let (value, _) = rest.split_once("</v>").unwrap();
            (attributes.contains("t=\"s\""), value.to_owned())
        };
        for (name, number) in
            [("B2", "46346"), ("C2", "1020.67"), ("E2", "-3"), ("F2", "0.5"), ("G2", "1")]
        {
            assert_eq!(cell(name), (false, number.to_owned()), "{name}");
        }
        assert!(cell("A2").0 && cell("D2").0, "a text, and a number of sixteen digits");
        assert!(!text.contains("r=\"A3\""), "NULL is an empty cell");
    }

    #[test]
    fn an_answer_without_columns_is_a_workbook_too() {
        assert!(sheet(encode(&[]).unwrap()).contains("<sheetData/>"));
    }

    #[test]
    fn decimals_are_written_with_their_scale() {
        for (unscaled, scale, text) in [(-5, 3, "-0.005"), (1_020_670, 3, "1020.670"), (7, 0, "7")]
        {
            assert_eq!(decimal(unscaled, scale), text);
        }
    }
}
