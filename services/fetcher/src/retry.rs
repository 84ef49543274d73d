//! How often and when B3 is asked again within one invocation.

use std::time::Duration;

use tokio::time::Instant;

/// Attempts at one page. What fails this often is left to the queue, which waits longer.
pub(crate) const MAX_ATTEMPTS: u32 = 4;

/// How long the attempt after the `failed`th waits: exponential, and anywhere between nothing and all of
/// it, so that many callers do not come back together.
pub(crate) fn backoff(failed: u32) -> Duration {
    const BASE: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(8);
    let longest = BASE.saturating_mul(1 << failed.saturating_sub(1).min(10)).min(LONGEST);
    longest.mul_f64(fastrand::f64())
}

/// Whether there is time for a wait and an attempt of some use after it.
pub(crate) fn fits(wait: Duration, deadline: Instant) -> bool {
    const USEFUL: Duration = Duration::from_secs(1);
    Instant::now() + wait + USEFUL < deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let longest = |failed| (0..200).map(|_| backoff(failed)).max().unwrap();
        assert!(longest(1) <= Duration::from_millis(500));
        assert!(longest(2) <= Duration::from_secs(1));
        assert!(
            longest(3) > Duration::from_millis(500),
            "jitter never reached beyond the first wait"
        );
        assert!(longest(40) <= Duration::from_secs(8));
    }

    #[tokio::test]
    async fn no_attempt_starts_without_time_for_it() {
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(fits(Duration::from_secs(1), deadline));
        assert!(!fits(Duration::from_secs(4), deadline));
    }
}
