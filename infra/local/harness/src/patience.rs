//! How long to wait while nothing moves.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{
    failure::{Exit, Failure},
    text,
};

/// A wait that ends when what is left stays the same for too long.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    left: Option<usize>,
    since: Instant,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, left: None, since: Instant::now() }
    }

    /// # Errors
    /// A [`Failure`] if as much has been left for longer than the limit.
    pub(crate) fn look(&mut self, left: usize, now: Instant) -> Result<()> {
        if self.left != Some(left) {
            (self.left, self.since) = (Some(left), now);
        }
        if now.duration_since(self.since) <= self.limit {
            return Ok(());
        }
        let seconds = self.limit.as_secs();
        let cause = text!(
            en: "nothing has moved for {seconds} s, with {left} left; `cargo ibov status` and `cargo ibov logs` say more, and the same command, with a longer --timeout if need be, waits again",
            pt: "nada avançou em {seconds} s, e ainda faltam {left}; `cargo ibov status` e `cargo ibov logs` dizem mais, e o mesmo comando, se preciso com um --timeout maior, espera de novo",
        );
        Err(Failure { exit: Exit::TimedOut, ..Failure::new("refine", cause) }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_nothing_has_moved_for_too_long() {
        let mut patience = Patience::new(Duration::from_secs(60));
        let start = patience.since;
        let mut look = |seconds, left| patience.look(left, start + Duration::from_secs(seconds));
        assert!(look(50, 3).is_ok());
        assert!(look(110, 3).is_ok());
        assert!(look(111, 2).is_ok(), "something has moved");
        assert!(look(171, 2).is_ok());
        let failure = look(172, 2).unwrap_err().downcast::<Failure>().unwrap();
        assert_eq!(failure.exit, Exit::TimedOut);
    }
}
