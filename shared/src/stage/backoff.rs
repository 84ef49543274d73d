//! The wait of a failed message before the next attempt.

use std::time::Duration;

/// The wait before attempt `failed + 1`: `base`, doubled with each attempt. Half of the wait is random, so that
/// messages that failed together do not come back together. Not shorter than the wait that the other side `asked` for.
/// `None` leaves the wait to the queue's visibility timeout.
///
/// With the default base of eight minutes, the four waits between five attempts add up to one to two hours: an outage
/// of an hour does not use up the attempts.
pub(super) fn backoff(base: Duration, failed: u32, asked: Option<Duration>) -> Option<Duration> {
    /// SQS hides a message for at most twelve hours after its receipt. Also, the nine waits between ten attempts, the
    /// most that can be configured, must fit into the queue's retention of four days.
    const LONGEST: Duration = Duration::from_secs(10 * 60 * 60);
    let asked = asked.map(|asked| asked.min(LONGEST));
    if base.is_zero() {
        return asked;
    }
    let doublings = failed.saturating_sub(1).min(16);
    let whole = base.saturating_mul(1 << doublings).min(LONGEST);
    Some((whole / 2 + (whole / 2).mul_f64(fastrand::f64())).max(asked.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(480);

    fn shortest(failed: u32) -> Duration {
        (0..500).filter_map(|_| backoff(BASE, failed, None)).min().unwrap()
    }

    #[test]
    fn an_hour_of_outage_does_not_use_up_five_attempts() {
        assert!((1..=4).map(shortest).sum::<Duration>() >= Duration::from_secs(3_600));
    }

    #[test]
    fn all_attempts_fit_into_the_retention_of_the_queue() {
        let retention = Duration::from_secs(4 * 24 * 60 * 60);
        let longest = |failed| (0..500).filter_map(|_| backoff(BASE, failed, None)).max().unwrap();
        assert!((1..=4).map(longest).sum::<Duration>() < retention / 2);
        assert!(longest(u32::MAX) < Duration::from_secs(12 * 60 * 60), "SQS would refuse it");
        let slowest = backoff(Duration::MAX, 1, None).unwrap() * 9;
        assert!(slowest < retention, "ten attempts, the most that can be configured");
    }

    #[test]
    fn waits_are_spread() {
        let waits: std::collections::BTreeSet<_> =
            (0..50).map(|_| backoff(BASE, 1, None)).collect();
        assert!(waits.len() > 10);
    }

    #[test]
    fn without_a_base_the_queue_decides() {
        assert_eq!(backoff(Duration::ZERO, 3, None), None);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept_as_far_as_sqs_allows() {
        let asked = Duration::from_secs(7_200);
        assert_eq!(backoff(BASE, 1, Some(asked)), Some(asked));
        assert_eq!(backoff(Duration::ZERO, 1, Some(asked)), Some(asked));
        assert!(backoff(BASE, 1, Some(Duration::from_secs(1))).unwrap() >= BASE / 2);
        assert!(backoff(BASE, 1, Some(Duration::MAX)).unwrap() < Duration::from_secs(12 * 60 * 60));
    }
}
