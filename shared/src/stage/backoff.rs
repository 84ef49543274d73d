//! How long a message that failed waits before it is tried again.

use std::time::Duration;

/// The wait before attempt `failed + 1`: `base` doubled with each attempt, half of it at random, so that
/// messages that failed together do not come back together. `None` leaves it to the queue's visibility
/// timeout.
///
/// With the default base of eight minutes, the four waits of five attempts add up to between one hour
/// and two: an outage of an hour does not use up the attempts.
#[must_use]
pub(super) fn backoff(base: Duration, failed: u32) -> Option<Duration> {
    /// SQS hides a message for twelve hours at most, counted from when it was received; and the nine
    /// waits of ten attempts, the most that can be configured, have to fit into the queue's four days.
    const LONGEST: Duration = Duration::from_secs(10 * 60 * 60);
    if base.is_zero() {
        return None;
    }
    let doublings = failed.saturating_sub(1).min(16);
    let whole = base.saturating_mul(1 << doublings).min(LONGEST);
    Some(whole / 2 + (whole / 2).mul_f64(fastrand::f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(480);

    fn shortest(failed: u32) -> Duration {
        (0..500).filter_map(|_| backoff(BASE, failed)).min().unwrap()
    }

    #[test]
    fn an_hour_of_outage_does_not_use_up_five_attempts() {
        assert!((1..=4).map(shortest).sum::<Duration>() >= Duration::from_secs(3_600));
    }

    #[test]
    fn all_attempts_fit_into_the_retention_of_the_queue() {
        let retention = Duration::from_secs(4 * 24 * 60 * 60);
        let longest = |failed| (0..500).filter_map(|_| backoff(BASE, failed)).max().unwrap();
        assert!((1..=4).map(longest).sum::<Duration>() < retention / 2);
        assert!(longest(u32::MAX) < Duration::from_secs(12 * 60 * 60), "SQS would refuse it");
        let slowest = backoff(Duration::MAX, 1).unwrap() * 9;
        assert!(slowest < retention, "ten attempts, the most there may be");
    }

    #[test]
    fn waits_are_spread() {
        let waits: std::collections::BTreeSet<_> = (0..50).map(|_| backoff(BASE, 1)).collect();
        assert!(waits.len() > 10);
    }

    #[test]
    fn without_a_base_the_queue_decides() {
        assert_eq!(backoff(Duration::ZERO, 3), None);
    }
}
