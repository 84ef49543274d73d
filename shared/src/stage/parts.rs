//! Messages with several parts, such as an S3 notification with several records.
//!
//! All parts are handled, even if one fails; then the message is settled as a whole. The message is retried as long as
//! one of the failures may pass, and parked with its first permanent failure when no other is left. A retry repeats the
//! parts that succeeded, which must be as harmless as handling a message twice.

use std::sync::Arc;

use super::{
    disposition::{self, Disposition},
    outcome::{Failed, Outcome},
};
use crate::{
    failure::{Class, Failure, StageError, readable},
    queues::Message,
};

/// Combines the results of a message's parts. One failure decides how the message is settled; the others are logged.
pub(super) fn combined(
    stage: &'static str,
    message: &Message,
    max_receive_count: u32,
    parts: Vec<Result<Outcome, Failed>>,
) -> Result<Outcome, Failed> {
    let count = parts.len();
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => failures.push(error),
        }
    }
    if failures.is_empty() {
        let first = outcomes.first().copied().unwrap_or(Outcome::NothingToDo("no records"));
        let done = outcomes.contains(&Outcome::Done);
        return Ok(if done { Outcome::Done } else { first });
    }
    let failed = failures.len();
    let decisive = failures.remove(decisive(message.receive_count, max_receive_count, &failures));
    for error in &failures {
        let Failure { code, object, .. } = error.failure();
        let (message_id, code, error) = (&message.id, code.name(), readable(&error.to_string()));
        tracing::warn!(
            stage,
            message_id,
            code,
            object,
            error,
            "another record of the message failed"
        );
    }
    match failed {
        1 => Err(decisive),
        _ => Err(Arc::new(SeveralFailed { failed, count, source: decisive })),
    }
}

/// The index of the failure that decides how the message is settled. A permanent failure decides only when no other is
/// left, even at the last attempt and after a redrive: people delete a message that is parked with a permanent failure.
fn decisive(receive_count: u32, max_receive_count: u32, failures: &[Failed]) -> usize {
    let rank = |class| match disposition::of(class, receive_count, max_receive_count) {
        Disposition::Retry => 0,
        Disposition::Park if class != Class::Permanent => 1,
        Disposition::Park => 2,
    };
    let ranks = failures.iter().map(|error| rank(error.failure().class)).enumerate();
    ranks.min_by_key(|(_, rank)| *rank).map_or(0, |(place, _)| place)
}

#[derive(Debug, thiserror::Error)]
#[error("{failed} of {count} records failed, each is in the log: {source}")]
struct SeveralFailed {
    failed: usize,
    count: usize,
    source: Failed,
}

impl StageError for SeveralFailed {
    fn failure(&self) -> Failure {
        self.source.failure()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    #[derive(Debug, thiserror::Error)]
    #[error("a sentence")]
    struct Fails(Failure);

    impl StageError for Fails {
        fn failure(&self) -> Failure {
            self.0.clone()
        }
    }

    fn failed(code: Code, class: Class) -> Result<Outcome, Failed> {
        Err(Arc::new(Fails(Failure::new(code, class))))
    }

    /// The result at attempt `attempt` of three.
    fn whole(
        attempt: u32,
        parts: impl IntoIterator<Item = Result<Outcome, Failed>>,
    ) -> Result<Outcome, (Code, String)> {
        let (id, body) = ("1".to_owned(), String::new());
        let message = Message { id, body, receive_count: attempt, receipt_handle: String::new() };
        let combined = combined("parquet-writer", &message, 3, parts.into_iter().collect());
        combined.map_err(|error| (error.failure().code, error.to_string()))
    }

    fn decisive_code(
        attempt: u32,
        parts: impl IntoIterator<Item = Result<Outcome, Failed>>,
    ) -> Code {
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
        let unknown_key = || failed(Code::UnknownKey, Class::Permanent);
        let one = [Ok(Outcome::Done), unknown_key()];
        assert_eq!(whole(1, one), Err((Code::UnknownKey, "a sentence".to_owned())));
        let two = [unknown_key(), Ok(Outcome::Done), failed(Code::ForeignBucket, Class::Permanent)];
        let words = "2 of 3 records failed, each is in the log: a sentence".to_owned();
        assert_eq!(whole(1, two), Err((Code::UnknownKey, words)));
    }

    #[test]
    fn a_refusal_waits_for_what_may_pass() {
        let unknown_key = || failed(Code::UnknownKey, Class::Permanent);
        let busy = || [unknown_key(), failed(Code::AwsBusy, Class::Transient)];
        assert_eq!(decisive_code(1, busy()), Code::AwsBusy);
        let words = "a person who deletes refused messages would lose the other record";
        assert_eq!(decisive_code(3, busy()), Code::AwsBusy, "{words}");
        let denied = || {
            let denied = failed(Code::AwsAccessDenied, Class::Denied);
            [unknown_key(), denied, failed(Code::Bug, Class::Bug)]
        };
        assert_eq!(decisive_code(1, denied()), Code::AwsAccessDenied);
        let words = "the bug may pass, the permission is missing for good";
        assert_eq!(decisive_code(2, denied()), Code::Bug, "{words}");
        assert_eq!(decisive_code(3, denied()), Code::AwsAccessDenied);
    }
}
