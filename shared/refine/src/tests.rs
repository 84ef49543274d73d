use std::collections::BTreeMap;

use aws_sdk_glue::types::{JobRun, JobRunState};
use chrono::{DateTime, NaiveDate};

use shared::{aws::ETag, events::RunState};

use super::*;

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

fn mark(day: u32, etag: &str) -> FailedMark {
    FailedMark { date: date(day), etag: ETag::new(etag), run_id: "jr_1".to_owned() }
}

#[test]
fn marks_survive_printing() {
    let key = "control/refine/failed/date=2026-11-20/0123abcd/jr_1";
    assert_eq!(FailedMark::parse(key).unwrap().key(), key);
    for bad in ["", "control/refine/failed/", "control/refine/failed/date=2026-11-20/0123abcd"] {
        assert_eq!(FailedMark::parse(bad), None, "{bad}");
    }
}

#[test]
fn due_is_what_is_neither_done_nor_failed_in_this_version() {
    let listing = Listing {
        raw: (20..25).map(|day| (date(day), ETag::new(&day.to_string()))).collect(),
        done: [(date(20), ETag::new("20")), (date(21), ETag::new("older"))].into(),
        failed: [mark(22, "22"), mark(23, "older")].into(),
    };
    let due = listing.due();
    assert_eq!(due.keys().copied().collect::<Vec<_>>(), [date(21), date(23), date(24)]);
    assert_eq!(due[&date(21)].to_string(), "21");
    assert_eq!(listing.held_by("jr_1"), [mark(22, "22")], "the mark of a replaced object is void");
    assert_eq!(listing.held_by("jr_2"), []);
}

#[test]
fn the_newest_dates_are_refined_first() {
    let days: Vec<_> = date(1).iter_days().take(MAX_DATES + 1).collect();
    let raw = days.iter().map(|day| (*day, ETag::new("a"))).collect();
    let due = Listing { raw, ..Listing::default() }.due();
    assert_eq!(due.len(), MAX_DATES);
    assert_eq!(due.keys().next(), Some(&days[1]));
}

fn run(dates: &str, etags: &str) -> Run {
    let run = JobRun::builder()
        .id("jr_1")
        .job_run_state(JobRunState::Failed)
        .arguments("--dates", dates)
        .arguments("--etags", etags)
        .started_on(aws_smithy_types::DateTime::from_millis(1_000))
        .completed_on(aws_smithy_types::DateTime::from_millis(2_500))
        .error_message("raw file is missing")
        .execution_time(61);
    Run::from_glue(&run.build()).unwrap()
}

#[test]
fn a_run_is_read_as_glue_shows_it() {
    let shown = run("2026-11-20", "a");
    assert_eq!(shown.state, RunState::Failed("FAILED".to_owned()));
    assert_eq!((shown.dates.as_str(), shown.etags.as_str()), ("2026-11-20", "a"));
    assert_eq!((shown.cause(), shown.seconds), ("raw file is missing", 61));
    assert_eq!(shown.started_at.timestamp_millis(), 1_000);
    assert_eq!(shown.ended_at.map(|at| at.timestamp_millis()), Some(2_500));
    let by_hand = Run::from_glue(&JobRun::builder().id("jr_2").build()).unwrap();
    assert_eq!((by_hand.etags.as_str(), by_hand.ended_at), ("", None));
    assert_eq!(by_hand.started_at, DateTime::UNIX_EPOCH);
}

#[test]
fn a_run_says_what_it_was_started_for_unless_a_person_started_it() {
    let both = |one, other| BTreeMap::from([(date(20), one), (date(23), other)]);
    let dates = "2026-11-20,2026-11-23";
    let (a, b) = (ETag::new("a"), ETag::new("b"));
    assert_eq!(run(dates, "a,b").started_for(), both(Some(a.clone()), Some(b)));
    assert_eq!(run(dates, "").started_for(), both(None, None));
    assert_eq!(run(dates, "a").started_for(), both(None, None), "one ETag for two dates");
    assert_eq!(run("2026-11-20, yesterday", "").started_for(), [(date(20), None)].into());
    assert_eq!(run("2026-11-20", "a").started_for(), [(date(20), Some(a))].into());
    assert_eq!(run("", "").started_for(), BTreeMap::new());
}
