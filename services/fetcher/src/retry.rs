//! Retries of requests to B3 within one invocation.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// After this many attempts, the retry is left to the queue, which waits longer.
const MAX_ATTEMPTS: u32 = 4;

/// The wait after `failed` failed attempts: exponential with full jitter, so that many callers do not come back
/// together.
fn backoff(failed: u32) -> Duration {
    const BASE: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(8);
    let longest = BASE.saturating_mul(1 << failed.saturating_sub(1).min(10)).min(LONGEST);
    longest.mul_f64(fastrand::f64())
}

/// The wait before a retry within this invocation. `None` after the last attempt, or if the time before `deadline` is
/// too short for the wait and a useful attempt. `asked` is the wait that the server asked for.
pub(crate) fn wait(failed: u32, asked: Option<Duration>, deadline: Instant) -> Option<Duration> {
    const USEFUL: Duration = Duration::from_secs(1);
    let wait = backoff(failed).max(asked.unwrap_or_default());
    let next = Instant::now().checked_add(wait)?.checked_add(USEFUL)?;
    (failed < MAX_ATTEMPTS && next < deadline).then_some(wait)
}

/// Parses a Retry-After header: seconds, or a date.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value.trim()).ok()?.duration_since(now).ok(),
    }
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
        assert!(wait(1, None, deadline).is_some());
        assert_eq!(wait(1, None, Instant::now()), None);
        assert_eq!(wait(MAX_ATTEMPTS, None, deadline), None);
    }

    #[tokio::test]
    async fn a_wait_that_is_asked_for_is_kept_where_it_fits() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let asked = Duration::from_secs(20);
        assert_eq!(wait(1, Some(asked), deadline), Some(asked));
        assert_eq!(wait(1, Some(Duration::from_secs(120)), deadline), None);
        assert_eq!(wait(1, Some(Duration::MAX), deadline), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 12:00:00 GMT").unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after(" Wed, 25 Nov 2026 12:02:00 GMT", now),
            Some(Duration::from_secs(120))
        );
        for nonsense in ["", "soon", "-5", "1.5", "Wed, 25 Nov 2026 11:00:00 GMT"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }
}
