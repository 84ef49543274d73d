//! What went wrong with a message, and what follows from it.

use std::{any::Any, error::Error, time::Duration};

use tokio::task::JoinError;

/// What a failure means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It may pass: a timeout, a busy service, somebody else was faster.
    Transient,
    /// A right is missing. It is tried again once, since a right that was just given is not known
    /// everywhere at once; a new stack's first messages may come before that.
    Denied,
    /// It will not pass by itself: the message, the data or the configuration is wrong.
    Refused,
    /// Our own code failed. It is tried again like anything transient.
    Bug,
}

/// What becomes of a message that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It stays on its queue and comes again.
    Retry,
    /// It goes to the dead-letter queue with its cause.
    Park,
}

impl Kind {
    /// What becomes of a message that failed in this way when it was received for the
    /// `receive_count`th of at most `max_receive_count` times.
    #[must_use]
    pub fn disposition(self, receive_count: u32, max_receive_count: u32) -> Disposition {
        /// Nothing is kept of a message but how often it came, so an attempt that failed otherwise
        /// counts as well: the right has had that long to get around.
        const ATTEMPTS_IF_DENIED: u32 = 2;
        let attempts = match self {
            Self::Refused => return Disposition::Park,
            Self::Denied => max_receive_count.min(ATTEMPTS_IF_DENIED),
            Self::Transient | Self::Bug => max_receive_count,
        };
        match receive_count < attempts {
            true => Disposition::Retry,
            false => Disposition::Park,
        }
    }

    /// Its name in logs and attributes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Bug => "bug",
        }
    }
}

/// An error of a stage's handler. Implementations match exhaustively, so that a new error forces a
/// decision.
pub trait StageError: Error + Send + 'static {
    /// What the error means for the message.
    fn kind(&self) -> Kind;

    /// A stable name for logs, alerts and attributes, such as `results-null`.
    fn code(&self) -> &'static str;

    /// The object or run that it is about.
    fn object(&self) -> Option<String> {
        None
    }

    /// How long whoever failed wants to be left alone, if they said so.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// An error as it is logged and parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means for the message.
    pub kind: Kind,
    /// A stable name.
    pub code: &'static str,
    /// A sentence for people.
    pub error: String,
    /// The object or run that it is about.
    pub object: Option<String>,
    /// How long whoever failed wants to be left alone, if they said so.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// Describes an error.
    pub fn new<E: StageError>(error: &E) -> Self {
        Self {
            kind: error.kind(),
            code: error.code(),
            error: readable(&error.to_string()),
            object: error.object(),
            retry_after: error.retry_after(),
        }
    }

    /// The invocation's deadline came first.
    #[must_use]
    pub fn out_of_time() -> Self {
        Self {
            kind: Kind::Transient,
            code: "out-of-time",
            error: "the function's time ran out before the message was handled".to_owned(),
            object: None,
            retry_after: None,
        }
    }

    pub(super) fn bug(error: JoinError) -> Self {
        let error = match error.try_into_panic() {
            Ok(panic) => {
                readable(&format!("the handler panicked: {}", panic_message(panic.as_ref())))
            }
            Err(error) => format!("the handler was cancelled: {error}"),
        };
        Self { kind: Kind::Bug, code: "bug", error, object: None, retry_after: None }
    }
}

/// An error that quotes what somebody sent is cut: it is for people, and bodies are not logged.
#[must_use]
pub fn readable(error: &str) -> String {
    const MAX_CHARACTERS: usize = 1_000;
    error.chars().take(MAX_CHARACTERS).collect()
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
