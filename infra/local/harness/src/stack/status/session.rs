//! The session whose portfolio should have landed.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use shared::portfolio::{day_in_sao_paulo, is_weekday};

use super::described::Described;

/// How long a fetch and its first retries may take.
const SLACK: TimeDelta = TimeDelta::hours(1);
/// The template's morning schedule.
const MORNING: (u32, u32) = (10, 0);
/// More than a weekend.
const DAYS_BACK: u64 = 7;

/// The day of the newest weekday whose morning fetch is an hour ago; `None` with the schedules off. A holiday needs no
/// exception: B3 dates its answer for the next session.
pub fn expected_session(now: DateTime<Utc>, described: &Described) -> Option<NaiveDate> {
    if !described.fetches() {
        return None;
    }
    let morning = described.parameter("MorningSchedule").map_or(Some(MORNING), time_of_day);
    // A schedule that says its time in another way has a whole day.
    let (hour, minute) = morning.unwrap_or((23, 59));
    let time = NaiveTime::from_hms_opt(hour, minute, 0)?;
    let days = (0..DAYS_BACK).filter_map(|back| now.date_naive().checked_sub_days(Days::new(back)));
    let mut fetches = days.map(|day| day.and_time(time).and_utc());
    let last = fetches.find(|fetch| {
        is_weekday(day_in_sao_paulo(*fetch))
            && fetch.checked_add_signed(SLACK).is_some_and(|due| due <= now)
    });
    last.map(day_in_sao_paulo)
}

/// Hour and minute of `cron(0 10 ? * MON-FRI *)`.
fn time_of_day(schedule: &str) -> Option<(u32, u32)> {
    let mut fields = schedule.strip_prefix("cron(")?.split_whitespace();
    let minute = fields.next()?.parse().ok()?;
    Some((fields.next()?.parse().ok()?, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(now: &str, parameters: &[(&str, &str)]) -> Option<String> {
        let parameters = parameters.iter().map(|&(name, value)| (name.into(), value.into()));
        let described = Described { state: String::new(), parameters: parameters.collect() };
        expected_session(now.parse().unwrap(), &described).map(|date| date.to_string())
    }

    #[test]
    fn a_session_is_expected_an_hour_after_its_morning_fetch() {
        for (now, session) in [
            ("2026-11-25T10:59:00Z", "2026-11-24"),
            ("2026-11-25T11:00:00Z", "2026-11-25"),
            ("2026-11-26T02:00:00Z", "2026-11-25"),
            ("2026-11-29T12:00:00Z", "2026-11-27"),
            ("2026-11-30T10:00:00Z", "2026-11-27"),
            ("2026-11-30T12:00:00Z", "2026-11-30"),
        ] {
            assert_eq!(expected(now, &[]).as_deref(), Some(session), "{now}");
        }
    }

    #[test]
    fn the_stacks_own_schedule_decides() {
        let at =
            |schedule| expected("2026-11-25T13:00:00Z", &[("MorningSchedule", schedule)]).unwrap();
        assert_eq!(at("cron(30 11 ? * MON-FRI *)"), "2026-11-25");
        assert_eq!(at("cron(30 12 ? * MON-FRI *)"), "2026-11-24");
        assert_eq!(at("rate(1 day)"), "2026-11-24");
        // In São Paulo this is still the day before.
        assert_eq!(at("cron(0 2 ? * TUE-SAT *)"), "2026-11-24");
        assert_eq!(expected("2026-11-25T13:00:00Z", &[("ScheduleState", "DISABLED")]), None);
    }
}
