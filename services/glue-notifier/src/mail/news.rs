//! What mails are about, and what they say alike in each language.

use chrono::{DateTime, NaiveDate, Utc};
use refine::{Run, Warnings};

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News<'a> {
    /// A run refined all its dates.
    Refined { run: &'a Run },
    /// The same, but something about some dates is odd.
    Odd { run: &'a Run, warnings: &'a Warnings },
    /// A run left dates unfinished, which wait on the dead-letter queue.
    Unfinished { run: &'a Run, parked: &'a [NaiveDate] },
    /// A run failed, and none of its dates needs anything from people.
    Ended { run: &'a Run },
    /// An hour after the evening's fetch, the portfolio of a day has not landed.
    Missed { day: NaiveDate, checked_at: DateTime<Utc> },
}

/// Dates as a run has them, in one text.
pub(super) fn joined<'a>(dates: impl IntoIterator<Item = &'a NaiveDate>) -> String {
    dates.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// One date a line.
pub(super) fn listed(dates: &str) -> String {
    dates.replace(',', "\n  ")
}

/// The first and the last of several dates, with their number.
pub(super) fn ends(dates: &str) -> Option<(&str, &str, usize)> {
    let all: Vec<&str> = dates.split(',').collect();
    match all.as_slice() {
        [first, .., last] => Some((first, last, all.len())),
        _ => None,
    }
}

/// One warning a line.
pub(super) fn warning_lines(warnings: &Warnings) -> String {
    let all = warnings.iter().flat_map(|(date, texts)| texts.iter().map(move |text| (date, text)));
    all.map(|(date, text)| format!("  {date}  {text}\n")).collect()
}
