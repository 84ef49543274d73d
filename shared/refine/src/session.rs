//! Whether the portfolio of a day has landed.
//!
//! B3 dates the answer of a holiday for the next session, so on a day without a session a later date has landed, and
//! nothing is missed.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use shared::{
    aws::{Bucket as _, CallError},
    keys::LandingKey,
    portfolio::{day_in_sao_paulo, is_weekday},
    values::IndexCode,
};

use crate::{
    state::State,
    told::{self, Progress},
};

/// How long after the evening's fetch the check comes, by the time zone of its schedule.
const AFTER_FETCH: TimeDelta = TimeDelta::hours(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// A Saturday or Sunday in São Paulo.
    Weekend,
    /// The portfolio of this day or of a later one has landed.
    Landed,
    /// Nothing has landed for this day or a later one, and people were notified.
    Told(NaiveDate),
    /// Nothing has landed for this day or a later one, and people do not know yet.
    Missed(NaiveDate),
}

/// Looks for the portfolio of the day that it was in São Paulo at the evening's fetch, an hour before `moment`: after a
/// fetch at 23:30 the check itself comes on the next day, whose portfolio nobody has asked for yet.
///
/// # Errors
/// If any call fails. The message about the check comes again then, or is parked.
pub async fn session(
    state: &impl State,
    index: &IndexCode,
    moment: DateTime<Utc>,
) -> Result<Session, CallError> {
    let day = day_in_sao_paulo(moment.checked_sub_signed(AFTER_FETCH).unwrap_or(moment));
    if !is_weekday(day) {
        return Ok(Session::Weekend);
    }
    // Keys are in the order of their dates: what comes after this prefix is of this day or of a later one.
    let (all, from) = (LandingKey::prefix_of_index(index), LandingKey::prefix_of(index, day));
    let objects = state.bucket().list(&all, Some(&from)).await?;
    if objects.iter().any(|object| object.key.parse::<LandingKey>().is_ok()) {
        return Ok(Session::Landed);
    }
    Ok(match told::progress(state, &told_of(day)).await? {
        Progress::Told => Session::Told(day),
        Progress::New | Progress::Parked => Session::Missed(day),
    })
}

/// Records that people were notified of a missed session.
///
/// # Errors
/// If the call fails. People are notified again then.
pub async fn note_missed(state: &impl State, day: NaiveDate) -> Result<(), CallError> {
    told::note(state, &told_of(day), Progress::Told).await
}

/// Among the ids of runs, which begin with `jr_`.
fn told_of(day: NaiveDate) -> String {
    format!("missed-session-{day}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::{
        aws::{Condition, ETag, MemoryBucket},
        keys::FileName,
    };

    use super::*;
    use crate::run::Run;

    /// A lake without a job.
    struct Lake {
        bucket: MemoryBucket,
        file_name: FileName,
    }

    impl State for Lake {
        type Bucket = MemoryBucket;

        fn bucket(&self) -> &MemoryBucket {
            &self.bucket
        }

        fn file_name(&self) -> &FileName {
            &self.file_name
        }

        async fn runs(&self) -> Result<Vec<Run>, CallError> {
            Ok(Vec::new())
        }

        async fn start(&self, _: &BTreeMap<NaiveDate, ETag>) -> Result<Option<String>, CallError> {
            Ok(None)
        }

        async fn pause(&self) -> bool {
            false
        }
    }

    impl Lake {
        async fn with(keys: &[&str]) -> Self {
            let bucket = MemoryBucket::default();
            for key in keys {
                bucket.put(key, "x".into(), &Condition::Always).await.unwrap();
            }
            Self { bucket, file_name: "ibov_setor.parquet".parse().unwrap() }
        }

        async fn at(&self, moment: &str) -> Session {
            let index = "IBOV".parse().unwrap();
            session(self, &index, moment.parse().unwrap()).await.unwrap()
        }
    }

    fn landing(index: &str, date: &str) -> String {
        format!("landing/index={index}/date={date}/20261120T130003.123Z-0123456789abcdef.json")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const FRIDAY: &str = "2026-11-20T22:00:00Z";

    #[tokio::test]
    async fn a_portfolio_of_the_day_or_of_a_later_session_is_none_that_was_missed() {
        for date in ["2026-11-20", "2026-11-23", "2027-01-04"] {
            let lake = Lake::with(&[&landing("IBOV", date)]).await;
            assert_eq!(lake.at(FRIDAY).await, Session::Landed, "{date}");
        }
    }

    #[tokio::test]
    async fn yesterdays_portfolio_another_index_and_strange_objects_do_not_count() {
        let missed = Session::Missed(day("2026-11-20"));
        let later = "landing/index=IBOV/date=2026-11-23/note.json";
        let rejected = "rejected/index=IBOV/20261120T130003.123Z-0123456789abcdef.json";
        for key in [&landing("IBOV", "2026-11-19"), &landing("IBXX", "2026-11-20"), later, rejected]
        {
            assert_eq!(Lake::with(&[key]).await.at(FRIDAY).await, missed, "{key}");
        }
        assert_eq!(Lake::with(&[]).await.at(FRIDAY).await, missed);
    }

    #[tokio::test]
    async fn the_day_is_the_one_of_the_fetch_an_hour_before_in_sao_paulo() {
        let lake = Lake::with(&[]).await;
        assert_eq!(lake.at("2026-11-21T03:59:59Z").await, Session::Missed(day("2026-11-20")));
        assert_eq!(lake.at("2026-11-21T04:00:00Z").await, Session::Weekend, "a Saturday");
        assert_eq!(lake.at("2026-11-23T03:59:59Z").await, Session::Weekend, "still Sunday");
        assert_eq!(lake.at("2026-11-23T04:00:00Z").await, Session::Missed(day("2026-11-23")));
        let lake = Lake::with(&[&landing("IBOV", "2026-11-24")]).await;
        // The fetch of cron(0 2 ? * TUE-SAT *) is at 23:00 in São Paulo, its check at midnight.
        assert_eq!(lake.at("2026-11-25T03:00:00Z").await, Session::Landed);
    }

    #[tokio::test]
    async fn people_are_told_of_a_missed_session_once() {
        let lake = Lake::with(&[]).await;
        note_missed(&lake, day("2026-11-20")).await.unwrap();
        assert_eq!(lake.at(FRIDAY).await, Session::Told(day("2026-11-20")));
        let monday = lake.at("2026-11-23T22:00:00Z").await;
        assert_eq!(monday, Session::Missed(day("2026-11-23")), "each day by itself");
    }
}
