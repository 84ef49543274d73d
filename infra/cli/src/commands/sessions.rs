//! The days that the tables hold, and the values of their rows.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use chrono::NaiveDate;
use harness::stack::{Stack, athena};

use crate::output::{Language, text};

pub(super) type Row = [Option<String>];

/// All of them, the oldest first; at least one.
pub(super) async fn all(stack: &Stack) -> Result<Vec<NaiveDate>> {
    let sql = "SELECT DISTINCT data FROM tb_ibov_refined ORDER BY data";
    let result = athena::query(stack, sql).await?;
    let dates = result.rows.iter().map(|row| parsed(row, 0)).collect::<Result<Vec<_>>>()?;
    if dates.is_empty() {
        bail!(text!(
            Language::current(),
            en: "no day is refined yet: `cargo ibov run` brings one, and so does a fetch of a stack",
            pt: "ainda não há nenhum pregão refinado: `cargo ibov run` traz um, e `ibov fetch` também, em uma stack"
        ));
    }
    Ok(dates)
}

/// The day that is wanted, or else the newest.
pub(super) fn pick(dates: &[NaiveDate], wanted: Option<NaiveDate>) -> Result<NaiveDate> {
    let newest = *dates.last().context("there is no day")?;
    let Some(wanted) = wanted else { return Ok(newest) };
    if dates.contains(&wanted) {
        return Ok(wanted);
    }
    bail!(absent(dates, wanted, Language::current()))
}

/// That a day is not there, and the nearest that are.
fn absent(dates: &[NaiveDate], wanted: NaiveDate, language: Language) -> String {
    let before = dates.iter().rev().find(|date| **date < wanted);
    let after = dates.iter().find(|date| **date > wanted);
    match (before, after) {
        (Some(before), Some(after)) => text!(
            language,
            en: "there is no {wanted}: the nearest days are {before} and {after}",
            pt: "não há {wanted}: os pregões mais próximos são {before} e {after}"
        ),
        (Some(nearest), None) => text!(
            language,
            en: "there is no {wanted}: the newest day is {nearest}",
            pt: "não há {wanted}: o pregão mais recente é {nearest}"
        ),
        (None, Some(nearest)) => text!(
            language,
            en: "there is no {wanted}: the oldest day is {nearest}",
            pt: "não há {wanted}: o pregão mais antigo é {nearest}"
        ),
        (None, None) => {
            text!(language, en: "there is no {wanted}, nor any other day", pt: "não há {wanted} nem outro pregão")
        }
    }
}

/// A value as it is; NULL is empty.
pub(super) fn cell(row: &Row, place: usize) -> String {
    row.get(place).cloned().flatten().unwrap_or_default()
}

/// A value of another type than text.
pub(super) fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row,
    place: usize,
) -> Result<T> {
    let value = cell(row, place);
    value.parse().with_context(|| format!("a query answered {value:?} in {row:?}"))
}

/// A value that may be NULL.
pub(super) fn perhaps<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row,
    place: usize,
) -> Result<Option<T>> {
    match row.get(place) {
        Some(Some(_)) => parsed(row, place).map(Some),
        Some(None) | None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    #[test]
    fn a_day_that_is_not_there_is_answered_with_the_nearest() {
        let dates = [day(19), day(20), day(23)];
        let said = |wanted| absent(&dates, day(wanted), Language::English);
        assert_eq!(
            said(21),
            "there is no 2026-11-21: the nearest days are 2026-11-20 and 2026-11-23"
        );
        assert_eq!(said(25), "there is no 2026-11-25: the newest day is 2026-11-23");
        assert_eq!(said(1), "there is no 2026-11-01: the oldest day is 2026-11-19");
        assert_eq!(pick(&dates, None).unwrap(), day(23));
        assert_eq!(pick(&dates, Some(day(19))).unwrap(), day(19));
        assert!(pick(&dates, Some(day(21))).is_err());
    }

    #[test]
    fn a_value_that_is_no_number_is_an_error_with_its_row() {
        let row = [Some("x".to_owned())];
        let error = parsed::<u32>(&row, 0).unwrap_err();
        assert_eq!(error.to_string(), r#"a query answered "x" in [Some("x")]"#);
    }
}
