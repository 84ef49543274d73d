//! Messages of several parts: one notification of S3 may have several records.
//!
//! A part that fails hides none of the others. All of them are handled, and then the message is settled as a
//! whole: it comes again as long as one of its failures may pass, and is parked with the first refusal when
//! nothing else is left. Parts that were handled are handled again then, which has to be harmless, as it has
//! to be for whole messages.

use std::future::Future;

use futures::stream::{self, StreamExt as _};

use super::{
    Disposition, Failure, Invocation, Kind, Message, Outcome, Queues, Stage, StageError, guarded,
};

/// Runs `handle` for each part of a message in a task of its own, until the invocation's deadline: so many at once as
/// there is memory for, times the messages of a batch.
pub async fn each_part<P, F, W, T, E>(
    parts: impl IntoIterator<Item = P>,
    at_once: usize,
    invocation: &Invocation,
    handle: F,
) -> Vec<Result<T, Failure>>
where
    F: Fn(P) -> W,
    W: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: StageError,
{
    let work = parts.into_iter().map(|part| guarded(handle(part), invocation));
    stream::iter(work).buffered(at_once).collect().await
}

impl<Q: Queues> Stage<Q> {
    /// What a message came to whose parts came to `parts`.
    ///
    /// # Errors
    /// The failure that decides what becomes of the message, if any part failed. The others are logged.
    pub fn whole(
        &self,
        message: &Message,
        parts: Vec<Result<Outcome, Failure>>,
    ) -> Result<Outcome, Failure> {
        let count = parts.len();
        let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Ok(outcome) => outcomes.push(outcome),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            let first = outcomes.first().copied().unwrap_or(Outcome::NothingToDo("no records"));
            let done = outcomes.contains(&Outcome::Done);
            return Ok(if done { Outcome::Done } else { first });
        }
        let failed = failures.len();
        let mut decisive = failures.remove(self.decisive(message, &failures));
        for Failure { code, error, object, .. } in &failures {
            tracing::warn!(
                stage = self.name,
                message_id = message.id,
                kind = code,
                object,
                error,
                "another record of the message failed"
            );
        }
        if failed > 1 {
            let Failure { error, .. } = &mut decisive;
            *error = format!("{failed} of {count} records failed, each is in the log: {error}");
        }
        Err(decisive)
    }

    /// Which of several failures speaks for their message. People delete a message that is refused, so a
    /// refusal waits until the other parts are done, even beyond the last attempt and a redrive.
    fn decisive(&self, message: &Message, failures: &[Failure]) -> usize {
        let rank =
            |kind: Kind| match kind.disposition(message.receive_count, self.max_receive_count) {
                Disposition::Retry => 0,
                Disposition::Park if kind != Kind::Refused => 1,
                Disposition::Park => 2,
            };
        let ranks = failures.iter().map(|failure| rank(failure.kind)).enumerate();
        ranks.min_by_key(|(_, rank)| *rank).map_or(0, |(position, _)| position)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::{aws::CallError, stage::Parked};

    const AT_ONCE: usize = 16;

    struct NoQueues;

    impl Queues for NoQueues {
        async fn park(&self, _: &Parked) -> Result<(), CallError> {
            Ok(())
        }

        async fn postpone(&self, _: &Message, _: Duration) -> Result<(), CallError> {
            Ok(())
        }
    }

    fn failed(kind: Kind, code: &'static str) -> Result<Outcome, Failure> {
        Err(Failure { kind, code, error: "a sentence".to_owned(), object: None, retry_after: None })
    }

    fn message(receive_count: u32) -> Message {
        let (id, body, receipt_handle) = ("1".to_owned(), String::new(), String::new());
        Message { id, body, receive_count, sent_at: None, receipt_handle }
    }

    /// What a message of these parts came to when it was received for the `attempt`th of three times.
    fn whole(
        attempt: u32,
        parts: impl IntoIterator<Item = Result<Outcome, Failure>>,
    ) -> Result<Outcome, (&'static str, String)> {
        let stage = Stage {
            name: "parquet-writer",
            max_receive_count: 3,
            backoff_base: Duration::ZERO,
            queues: NoQueues,
        };
        let came_to = stage.whole(&message(attempt), parts.into_iter().collect());
        came_to.map_err(|failure| (failure.code, failure.error))
    }

    /// The code of the failure that speaks for the message.
    fn decisive(
        attempt: u32,
        parts: impl IntoIterator<Item = Result<Outcome, Failure>>,
    ) -> &'static str {
        whole(attempt, parts).unwrap_err().0
    }

    #[test]
    fn one_part_that_is_done_makes_the_message_done() {
        let nothing = Outcome::NothingToDo("object gone");
        assert_eq!(whole(1, [Ok(nothing), Ok(Outcome::Done)]), Ok(Outcome::Done));
        assert_eq!(whole(1, [Ok(nothing), Ok(Outcome::NothingToDo("older"))]), Ok(nothing));
    }

    #[test]
    fn a_message_is_parked_with_its_first_refusal_which_says_that_there_are_others() {
        let one = [Ok(Outcome::Done), failed(Kind::Refused, "unknown-key")];
        assert_eq!(whole(1, one), Err(("unknown-key", "a sentence".to_owned())));
        let two = [
            failed(Kind::Refused, "unknown-key"),
            Ok(Outcome::Done),
            failed(Kind::Refused, "foreign-bucket"),
        ];
        let words = "2 of 3 records failed, each is in the log: a sentence".to_owned();
        assert_eq!(whole(1, two), Err(("unknown-key", words)));
    }

    #[test]
    fn a_refusal_waits_for_what_may_pass() {
        let busy = || [failed(Kind::Refused, "unknown-key"), failed(Kind::Transient, "aws-busy")];
        assert_eq!(decisive(1, busy()), "aws-busy");
        assert_eq!(decisive(3, busy()), "aws-busy", "who deletes what is refused would lose it");
        let denied = || {
            [
                failed(Kind::Refused, "unknown-key"),
                failed(Kind::Denied, "denied"),
                failed(Kind::Bug, "bug"),
            ]
        };
        assert_eq!(decisive(1, denied()), "denied");
        assert_eq!(decisive(2, denied()), "bug", "it may pass, the right is missing for good");
        assert_eq!(decisive(3, denied()), "denied");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("refused")]
    struct Refused;

    impl StageError for Refused {
        fn kind(&self) -> Kind {
            Kind::Refused
        }

        fn code(&self) -> &'static str {
            "refused"
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Part {
        Good,
        Bad,
        Panic,
        Hang,
    }

    async fn handle(part: Part) -> Result<Part, Refused> {
        match part {
            Part::Good => Ok(part),
            Part::Bad => Err(Refused),
            Part::Panic => panic!("index out of bounds"),
            Part::Hang => std::future::pending().await,
        }
    }

    fn codes(parts: &[Result<Part, Failure>]) -> Vec<Result<Part, &'static str>> {
        parts.iter().map(|part| part.as_ref().copied().map_err(|failure| failure.code)).collect()
    }

    fn invocation() -> Invocation {
        let deadline = Instant::now() + Duration::from_millis(50);
        let ends = deadline + Duration::from_secs(10);
        Invocation { request_id: String::new(), deadline, ends }
    }

    #[tokio::test]
    async fn a_part_that_fails_panics_or_hangs_harms_no_other() {
        let parts = [Part::Hang, Part::Good, Part::Panic, Part::Bad, Part::Good];
        let came_to = each_part(parts, AT_ONCE, &invocation(), handle).await;
        let (good, late, bug) = (Ok(Part::Good), Err("out-of-time"), Err("bug"));
        assert_eq!(codes(&came_to), [late, good, bug, Err("refused"), good]);
    }

    #[tokio::test]
    async fn a_message_waits_for_its_parts_to_give_up() {
        let invocation = invocation();
        let parts = |_| {
            let invocation = invocation.clone();
            async move {
                Ok::<_, Refused>(
                    each_part([Part::Hang, Part::Good], AT_ONCE, &invocation, handle).await,
                )
            }
        };
        let its_end = invocation.to_its_end();
        let handled = Stage::<NoQueues>::each(vec![message(1)], &its_end, parts).await;
        let [(_, Ok(came_to))] = handled.as_slice() else { panic!("{handled:?}") };
        assert_eq!(codes(came_to), [Err("out-of-time"), Ok(Part::Good)]);
    }
}
