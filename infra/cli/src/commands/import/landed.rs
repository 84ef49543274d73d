//! What lies in landing/, so that nothing is put there twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use shared::keys::{LandingKey, Stamp};

/// The landing objects of an index.
#[derive(Debug, Clone, Default)]
pub(super) struct Landed(BTreeMap<NaiveDate, BTreeSet<Stamp>>);

impl Landed {
    pub(super) fn add(&mut self, key: &LandingKey) {
        self.0.entry(key.date).or_default().insert(key.stamp.clone());
    }

    /// Whether there is no need for an object: the landing object that makes it superfluous.
    ///
    /// - The same object, or the same content in one that is not older, or in the newest one.
    /// - For a file that does not say when it was fetched: an answer of the same session from the days before. B3 gives
    ///   such answers at weekends; they have the earlier time, and would lose to the file.
    pub(super) fn makes_superfluous(&self, key: &LandingKey) -> Option<LandingKey> {
        let stamps = self.0.get(&key.date)?;
        let newest = stamps.last()?;
        let content = &key.stamp.content;
        let same = stamps.iter().find(|stamp| {
            stamp.content == *content && (**stamp >= key.stamp || newest.content == *content)
        });
        let undated = has_no_time(key);
        let before =
            stamps.first().filter(|first| undated && first.fetched_at < key.stamp.fetched_at);
        same.or(before).map(|stamp| LandingKey { stamp: stamp.clone(), ..key.clone() })
    }

    /// The newest object of a key's date, if it is newer.
    pub(super) fn newer(&self, key: &LandingKey) -> Option<LandingKey> {
        let newest = self.0.get(&key.date)?.last()?;
        (*newest > key.stamp).then(|| LandingKey { stamp: newest.clone(), ..key.clone() })
    }
}

/// Whether it was imported from a file that does not say when it was fetched.
pub(in crate::commands) fn has_no_time(key: &LandingKey) -> bool {
    key.stamp.fetched_at == key.date.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: &str, content: char) -> LandingKey {
        let hash = content.to_string().repeat(16);
        format!("landing/index=IBOV/date=2026-11-23/{time}.000Z-{hash}.json").parse().unwrap()
    }

    fn landed(keys: &[LandingKey]) -> Landed {
        let mut landed = Landed::default();
        keys.iter().for_each(|key| landed.add(key));
        landed
    }

    #[test]
    fn content_that_is_there_is_not_put_again() {
        let fetched = key("20261123T130000", 'a');
        let landed = landed(std::slice::from_ref(&fetched));
        for (same, superfluous) in [
            (fetched.clone(), true),
            (key("20261123T000000", 'a'), true),
            (key("20261123T210000", 'a'), true),
            (key("20261123T210000", 'b'), false),
            (key("20261123T000000", 'b'), false),
        ] {
            let found = landed.makes_superfluous(&same);
            assert_eq!(found, superfluous.then(|| fetched.clone()), "{same}");
        }
        assert_eq!(Landed::default().makes_superfluous(&fetched), None);
    }

    #[test]
    fn content_that_came_back_is_news() {
        let landed = landed(&[key("20261123T130000", 'a'), key("20261123T140000", 'b')]);
        assert_eq!(landed.makes_superfluous(&key("20261123T150000", 'a')), None);
        assert!(landed.makes_superfluous(&key("20261123T120000", 'a')).is_some());
    }

    #[test]
    fn an_answer_from_the_weekend_before_wins_over_a_file() {
        let sunday = key("20261122T130000", 'a');
        let landed = landed(std::slice::from_ref(&sunday));
        assert_eq!(landed.makes_superfluous(&key("20261123T000000", 'b')), Some(sunday));
        assert_eq!(landed.makes_superfluous(&key("20261123T130000", 'b')), None);
    }

    #[test]
    fn the_newer_object_of_a_date_is_known() {
        let fetched = key("20261123T130000", 'a');
        let landed = landed(std::slice::from_ref(&fetched));
        assert_eq!(landed.newer(&key("20261123T000000", 'b')), Some(fetched.clone()));
        assert_eq!(landed.newer(&fetched), None);
    }
}
