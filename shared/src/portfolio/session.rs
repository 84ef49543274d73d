//! Checks a portfolio's date against the time of the fetch.
//!
//! B3 answers with the session of the day, or at a weekend or on a holiday with the next one. A date far from the
//! fetch, or on a day without a session, means that day and month were swapped or that the portfolio is of another
//! time. The time of the fetch only ever refuses a date; it never replaces one.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};

/// Days that a session may precede the fetch: enough for a server that was not updated over a long weekend.
pub const DAYS_BEFORE: u64 = 7;

/// Days that a session may follow the fetch. The raw table's partition projection reaches as far.
pub const DAYS_AFTER: u64 = 15;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImplausibleDate {
    #[error("{date} is a {}, and B3 has no session then", day_name(*.date))]
    Weekend { date: NaiveDate },
    #[error(
        "{date} is too far from the day of the fetch, {fetched_on}: {DAYS_BEFORE} days before it and {DAYS_AFTER} after it are plausible"
    )]
    Far {
        date: NaiveDate,
        /// In São Paulo.
        fetched_on: NaiveDate,
    },
}

/// Whether B3 may have a session on this date. Holidays are not considered.
pub fn is_weekday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The date in São Paulo. Brazil has had no summer time since 2019; before that, summer days began an hour earlier.
pub fn day_in_sao_paulo(moment: DateTime<Utc>) -> NaiveDate {
    const HOURS_WEST: i64 = 3;
    let local = moment.naive_utc().checked_sub_signed(TimeDelta::hours(HOURS_WEST));
    local.unwrap_or(moment.naive_utc()).date()
}

/// Checks that an answer fetched at this time may have this date.
pub(super) fn plausible(date: NaiveDate, fetched_at: DateTime<Utc>) -> Result<(), ImplausibleDate> {
    let fetched_on = day_in_sao_paulo(fetched_at);
    let earliest = fetched_on.checked_sub_days(Days::new(DAYS_BEFORE)).unwrap_or(NaiveDate::MIN);
    let latest = fetched_on.checked_add_days(Days::new(DAYS_AFTER)).unwrap_or(NaiveDate::MAX);
    if !(earliest..=latest).contains(&date) {
        return Err(ImplausibleDate::Far { date, fetched_on });
    }
    if !is_weekday(date) {
        return Err(ImplausibleDate::Weekend { date });
    }
    Ok(())
}

fn day_name(date: NaiveDate) -> impl std::fmt::Display {
    date.format("%A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_session_lies_from_a_week_before_the_fetch_to_fifteen_days_after_it() {
        let wednesday = at("2026-11-25T10:00:00Z");
        for good in ["2026-11-18", "2026-11-25", "2026-11-26", "2026-12-10"] {
            assert_eq!(plausible(day(good), wednesday), Ok(()), "{good}");
        }
        for far in ["2026-11-17", "2026-12-11", "2016-11-25", "2026-01-12"] {
            let error = plausible(day(far), wednesday).unwrap_err();
            assert!(matches!(error, ImplausibleDate::Far { .. }), "{error}");
        }
    }

    #[test]
    fn there_is_no_session_at_a_weekend() {
        let wednesday = at("2026-11-25T10:00:00Z");
        let error = plausible(day("2026-11-28"), wednesday).unwrap_err();
        assert_eq!(error.to_string(), "2026-11-28 is a Saturday, and B3 has no session then");
        assert!(plausible(day("2026-11-29"), wednesday).is_err());
        assert!(plausible(day("2026-11-30"), at("2026-11-28T10:00:00Z")).is_ok(), "at a weekend");
    }

    #[test]
    fn the_day_of_the_fetch_is_the_one_in_sao_paulo() {
        let late = at("2026-11-26T02:59:00Z");
        assert_eq!(day_in_sao_paulo(late), day("2026-11-25"));
        assert!(plausible(day("2026-11-18"), late).is_ok());
        assert!(plausible(day("2026-11-18"), at("2026-11-26T03:00:00Z")).is_err());
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        let first = DateTime::<Utc>::MIN_UTC;
        assert!(plausible(NaiveDate::MAX, first).is_err());
        assert!(plausible(NaiveDate::MIN, DateTime::<Utc>::MAX_UTC).is_err());
    }
}
