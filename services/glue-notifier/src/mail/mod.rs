//! What people read. Each language is a file, in which every piece of news has its words.

mod english;
mod portuguese;

use chrono::{DateTime, NaiveDate, Utc};
use refine::{Run, Warnings};

use crate::{language::Language, notification::Stack};

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News<'a> {
    /// A run refined all its dates.
    Refined { run: &'a Run },
    /// The same, but something about some dates is odd.
    Odd { run: &'a Run, warnings: &'a Warnings },
    /// A run left dates unfinished, which wait on the dead-letter queue.
    Unfinished { run: &'a Run, parked: &'a [NaiveDate] },
    /// A run failed, and none of its dates waits for anybody.
    Ended { run: &'a Run },
    /// An hour after the evening's fetch, the portfolio of a day has not landed.
    Missed { day: NaiveDate, checked_at: DateTime<Utc> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    /// ASCII, one line, at most 99 characters: the limits of SNS.
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Mail {
    pub(crate) fn about(stack: &Stack, news: News<'_>) -> Self {
        let (title, text) = match stack.language {
            Language::English => english::title_and_text(stack, news),
            Language::Portuguese => portuguese::title_and_text(stack, news),
        };
        Self { subject: subject(&format!("{} {title}", stack.index)), text }
    }
}

/// SNS refuses longer subjects, and any with line breaks or characters outside ASCII.
fn subject(text: &str) -> String {
    const MAX_CHARACTERS: usize = 99;
    text.chars()
        .map(|character| if character.is_ascii_graphic() { character } else { ' ' })
        .take(MAX_CHARACTERS)
        .collect()
}

/// Dates as a run has them, in one text.
fn joined<'a>(dates: impl IntoIterator<Item = &'a NaiveDate>) -> String {
    dates.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// One date a line.
fn listed(dates: &str) -> String {
    dates.replace(',', "\n  ")
}

/// The first and the last of several dates, with their number.
fn ends(dates: &str) -> Option<(&str, &str, usize)> {
    let all: Vec<&str> = dates.split(',').collect();
    match all.as_slice() {
        [first, .., last] => Some((first, last, all.len())),
        _ => None,
    }
}

/// One warning a line.
fn warning_lines(warnings: &Warnings) -> String {
    let all = warnings.iter().flat_map(|(date, texts)| texts.iter().map(move |text| (date, text)));
    all.map(|(date, text)| format!("  {date}  {text}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_what_sns_takes() {
        let subject = subject(&format!("é\r\n{}", "x".repeat(200)));
        assert_eq!(subject, format!("   {}", "x".repeat(96)));
    }
}
