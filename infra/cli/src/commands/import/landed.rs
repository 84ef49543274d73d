//! What lies in landing/, so that nothing is put there twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use shared::keys::{LandingKey, Stamp};

/// Whether an object is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    /// The landing object that makes it superfluous.
    There(LandingKey),
    /// The landing object of the same time that has another content: nothing says which of them is right.
    SameTime(LandingKey),
}

/// The landing objects of an index.
#[derive(Debug, Clone, Default)]
pub(super) struct Landed(BTreeMap<NaiveDate, BTreeSet<Stamp>>);

impl Landed {
    pub(super) fn add(&mut self, key: &LandingKey) {
        self.0.entry(key.date).or_default().insert(key.stamp.clone());
    }

    /// Whether there is need for an object.
    ///
    /// There is none
    ///
    /// - beside the same object, or the same content in one that is not older, or in the newest one;
    /// - for a file that does not say when it was fetched, beside an answer of the same session from the days before. B3
    ///   gives such answers at weekends; they have the earlier time, and would lose to the file.
    pub(super) fn verdict(&self, key: &LandingKey) -> Verdict {
        let Some((stamps, newest)) =
            self.0.get(&key.date).and_then(|stamps| Some((stamps, stamps.last()?)))
        else {
            return Verdict::New;
        };
        let content = &key.stamp.content;
        let same = stamps.iter().find(|stamp| {
            stamp.content == *content && (**stamp >= key.stamp || newest.content == *content)
        });
        let fetched_at = key.stamp.fetched_at;
        let before =
            stamps.first().filter(|first| is_undated(key) && first.fetched_at < fetched_at);
        let with = |stamp: &Stamp| LandingKey { stamp: stamp.clone(), ..key.clone() };
        if let Some(stamp) = same.or(before) {
            return Verdict::There(with(stamp));
        }
        match stamps.iter().find(|stamp| stamp.fetched_at == fetched_at) {
            Some(stamp) => Verdict::SameTime(with(stamp)),
            None => Verdict::New,
        }
    }

    /// The newest object of a key's date, if it is newer.
    pub(super) fn newer(&self, key: &LandingKey) -> Option<LandingKey> {
        let newest = self.0.get(&key.date)?.last()?;
        (*newest > key.stamp).then(|| LandingKey { stamp: newest.clone(), ..key.clone() })
    }
}

/// The order in which objects are judged, so that what comes of them depends neither on chance nor on names: what says
/// when it was fetched goes first, the oldest before all others.
pub(super) fn order(key: &LandingKey) -> impl Ord + use<> {
    (key.date, is_undated(key), key.stamp.fetched_at)
}

/// Whether it was imported from a file that does not say when it was fetched.
pub(in crate::commands) fn is_undated(key: &LandingKey) -> bool {
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

    /// The objects that are put of these, and what comes of each.
    fn imported(keys: &[LandingKey]) -> (Vec<LandingKey>, Vec<Verdict>) {
        let mut keys = keys.to_vec();
        keys.sort_by_key(order);
        let (mut landed, mut put) = (Landed::default(), Vec::new());
        let mut verdicts = Vec::new();
        for key in keys {
            let verdict = landed.verdict(&key);
            if verdict == Verdict::New {
                landed.add(&key);
                put.push(key);
            }
            verdicts.push(verdict);
        }
        (put, verdicts)
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
            let wanted = if superfluous { Verdict::There(fetched.clone()) } else { Verdict::New };
            assert_eq!(landed.verdict(&same), wanted, "{same}");
        }
        assert_eq!(Landed::default().verdict(&fetched), Verdict::New);
    }

    #[test]
    fn content_that_came_back_is_news() {
        let landed = landed(&[key("20261123T130000", 'a'), key("20261123T140000", 'b')]);
        assert_eq!(landed.verdict(&key("20261123T150000", 'a')), Verdict::New);
        assert!(matches!(landed.verdict(&key("20261123T120000", 'a')), Verdict::There(_)));
    }

    #[test]
    fn an_answer_from_the_weekend_before_wins_over_a_file() {
        let sunday = key("20261122T130000", 'a');
        let landed = landed(std::slice::from_ref(&sunday));
        assert_eq!(landed.verdict(&key("20261123T000000", 'b')), Verdict::There(sunday));
        assert_eq!(landed.verdict(&key("20261123T130000", 'b')), Verdict::New);
    }

    #[test]
    fn the_order_of_the_files_does_not_change_what_wins() {
        let (sunday, file) = (key("20261122T130000", 'a'), key("20261123T000000", 'b'));
        for keys in [[sunday.clone(), file.clone()], [file, sunday.clone()]] {
            assert_eq!(imported(&keys).0, std::slice::from_ref(&sunday));
        }
        // What came back at last is what the tables have.
        let times = ["20261123T100000", "20261123T110000", "20261123T120000"];
        let [first, second, third] = [0, 1, 2].map(|at| key(times[at], ['a', 'b', 'a'][at]));
        let put = [first.clone(), second.clone(), third.clone()];
        assert_eq!(imported(&[third, first, second]).0, put);
    }

    #[test]
    fn of_two_files_that_differ_the_first_stays_and_the_other_is_told_of() {
        let (one, other) = (key("20261123T000000", 'a'), key("20261123T000000", 'b'));
        for keys in [[one.clone(), other.clone()], [other, one]] {
            let (put, verdicts) = imported(&keys);
            assert_eq!(put, &keys[..1]);
            assert_eq!(verdicts, [Verdict::New, Verdict::SameTime(keys[0].clone())]);
        }
    }

    #[test]
    fn the_newer_object_of_a_date_is_known() {
        let fetched = key("20261123T130000", 'a');
        let landed = landed(std::slice::from_ref(&fetched));
        assert_eq!(landed.newer(&key("20261123T000000", 'b')), Some(fetched.clone()));
        assert_eq!(landed.newer(&fetched), None);
    }
}
