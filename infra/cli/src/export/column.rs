//! The columns of an answer, typed as Athena types them.

use chrono::{NaiveDate, NaiveDateTime};
use harness::stack::athena::{ColumnType, QueryResult};

const MOST_DIGITS: usize = 38;

/// A column's name and values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TypedColumn {
    pub(super) name: String,
    pub(super) values: Values,
}

/// `None` is NULL.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    Text(Vec<Option<String>>),
    /// Of up to 32 bits.
    Integer(Vec<Option<i32>>),
    BigInteger(Vec<Option<i64>>),
    /// Multiples of ten to the power of minus `scale`.
    Decimal {
        precision: usize,
        scale: usize,
        unscaled: Vec<Option<i128>>,
    },
    Double(Vec<Option<f64>>),
    Boolean(Vec<Option<bool>>),
    Date(Vec<Option<NaiveDate>>),
    Timestamp(Vec<Option<NaiveDateTime>>),
}

pub(super) fn is_number(athena_type: &str) -> bool {
    matches!(
        athena_type,
        "tinyint"
            | "smallint"
            | "integer"
            | "int"
            | "bigint"
            | "decimal"
            | "double"
            | "float"
            | "real"
    )
}

/// All columns of an answer.
pub(super) fn columns(result: &QueryResult) -> Vec<TypedColumn> {
    let names = result.columns.iter().enumerate();
    names
        .map(|(place, name)| {
            let cells: Vec<Option<&str>> =
                result.rows.iter().map(|row| row.get(place).and_then(Option::as_deref)).collect();
            let column_type = result.types.get(place).cloned().unwrap_or_default();
            TypedColumn { name: name.clone(), values: Values::new(&column_type, &cells) }
        })
        .collect()
}

impl Values {
    /// A value that is none of its type, such as an array, makes the whole column one of texts: nothing gets lost.
    fn new(column_type: &ColumnType, cells: &[Option<&str>]) -> Self {
        let typed = match column_type.name.as_str() {
            "tinyint" | "smallint" | "integer" | "int" => {
                parsed(cells, |cell| cell.parse().ok()).map(Self::Integer)
            }
            "bigint" => parsed(cells, |cell| cell.parse().ok()).map(Self::BigInteger),
            "decimal" => decimals(column_type, cells),
            "double" | "float" | "real" => {
                parsed(cells, |cell| cell.parse().ok()).map(Self::Double)
            }
            "boolean" => parsed(cells, |cell| cell.parse().ok()).map(Self::Boolean),
            "date" => parsed(cells, |cell| cell.parse().ok()).map(Self::Date),
            "timestamp" => parsed(cells, |cell| {
                NaiveDateTime::parse_from_str(cell, "%Y-%m-%d %H:%M:%S%.f").ok()
            })
            .map(Self::Timestamp),
            _ => None,
        };
        let texts = || cells.iter().map(|cell| cell.map(str::to_owned)).collect();
        typed.unwrap_or_else(|| Self::Text(texts()))
    }
}

fn parsed<T>(cells: &[Option<&str>], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
    cells.iter().map(|cell| cell.map_or(Some(None), |text| parse(text).map(Some))).collect()
}

/// With the declared scale, unless a value has more digits.
fn decimals(declared: &ColumnType, cells: &[Option<&str>]) -> Option<Values> {
    let fraction = |cell: &&str| cell.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let needed = cells.iter().flatten().map(fraction).max().unwrap_or_default();
    let scale = needed.max(declared.scale);
    let is_as_declared = scale == declared.scale && (1..=MOST_DIGITS).contains(&declared.precision);
    let precision = if is_as_declared { declared.precision } else { MOST_DIGITS };
    let unscaled = parsed(cells, |cell| unscaled(cell, scale))?;
    Some(Values::Decimal { precision, scale, unscaled })
}

fn unscaled(cell: &str, scale: usize) -> Option<i128> {
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    let digits = format!("{whole}{fraction:0<scale$}");
    (fraction.len() <= scale).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, precision: usize, scale: usize, cells: &[&str]) -> Values {
        let column_type = ColumnType { name: name.to_owned(), precision, scale };
        let cells: Vec<_> = cells.iter().copied().map(Some).collect();
        Values::new(&column_type, &cells)
    }

    #[test]
    fn decimals_have_the_declared_type_or_one_that_holds_all_digits() {
        let unscaled = vec![Some(-1_500), Some(12)];
        let expected = Values::Decimal { precision: 16, scale: 3, unscaled: unscaled.clone() };
        assert_eq!(values("decimal", 16, 3, &["-1.500", "0.012"]), expected);
        let expected = Values::Decimal { precision: 38, scale: 3, unscaled };
        assert_eq!(values("decimal", 38, 0, &["-1.5", "0.012"]), expected);
        let expected = Values::Decimal { precision: 4, scale: 1, unscaled: vec![Some(-5)] };
        assert_eq!(values("decimal", 4, 1, &["-0.5"]), expected);
    }

    #[test]
    fn a_column_with_a_value_of_another_type_is_one_of_texts() {
        let texts = |cell: &str| Values::Text(vec![Some(cell.to_owned())]);
        for (name, cell) in [
            ("timestamp", "2026-11-20 13:00:00.000 UTC"),
            ("decimal", "1E5"),
            ("integer", "2147483648"),
            ("array", "[1, 2]"),
        ] {
            assert_eq!(values(name, 0, 0, &[cell]), texts(cell));
        }
    }
}
