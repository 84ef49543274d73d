//! Classification of errors: their codes, and whether to retry. Each error type classifies itself in one exhaustive
//! match ([`StageError::failure`]), so that a new error forces a decision.

use std::{error::Error, fmt, time::Duration};

use strum::{IntoStaticStr, VariantArray};

/// The stable name of a failure. Logs and parked messages carry it, and the runbook has a line for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Code {
    // B3's answer is missing or cannot be read.
    B3Unreachable,
    B3Certificate,
    B3Timeout,
    B3ConnectionBroken,
    B3HttpStatus,
    B3Redirect,
    B3BodyTooLong,
    B3Empty,
    B3Html,
    B3NotJson,

    // B3's answer is readable, but wrong.
    NotAnEnvelope,
    UnexpectedAnswer,
    ResultsNull,
    ResultsEmpty,
    PageMissing,
    ChangedBetweenPages,
    PagesOverlap,
    TooManyPages,
    TooManyRows,
    RowCount,
    FieldAbsent,
    DateAbsent,
    DateMalformed,
    DateImplausible,
    TickerMalformed,
    TickerTwice,
    TextMalformed,
    TextDamaged,
    NumberMalformed,
    EnUsFormat,
    SectorsAbsent,
    WeightTotal,
    QuantityTotal,
    SectorWeight,
    OtherPortfolio,

    // The message or its object is not for this stack.
    UnknownEvent,
    ForeignBucket,
    UnknownKey,
    NotServed,
    LandingTooLarge,
    LandingMisplaced,
    OtherFileName,
    OtherJob,

    // Raw files and runs.
    RawContended,
    NoRawFile,
    RunActive,
    RunUnknown,
    RunNotEnded,
    RunFailed,
    JobBusy,

    // AWS.
    AwsNotFound,
    AwsConflict,
    AwsBusy,
    AwsUnavailable,
    AwsCredentials,
    AwsAccessDenied,
    AwsRefused,
    AwsUnknown,

    // The function itself.
    OutOfTime,
    Bug,
}

impl Code {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Whether trying again helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Class {
    /// May pass: a timeout, a busy service, a lost race.
    Transient,
    /// A permission is missing. Retried once: a permission just granted takes a while to reach every service, and the
    /// first messages of a new stack may arrive before it does.
    Denied,
    /// Does not pass by itself: the message, the data or the configuration is wrong.
    Permanent,
    /// Our own code failed. Retried like a transient failure.
    Bug,
}

impl Class {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How to handle an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: Code,
    pub class: Class,
    /// The object, queue or run concerned.
    pub object: Option<String>,
    /// The wait that the other side asked for.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub fn new(code: Code, class: Class) -> Self {
        Self { code, class, object: None, retry_after: None }
    }

    pub fn transient(code: Code) -> Self {
        Self::new(code, Class::Transient)
    }

    pub fn permanent(code: Code) -> Self {
        Self::new(code, Class::Permanent)
    }

    pub fn bug() -> Self {
        Self::new(Code::Bug, Class::Bug)
    }

    #[must_use]
    pub fn on(self, object: &str) -> Self {
        Self { object: Some(object.to_owned()), ..self }
    }

    #[must_use]
    pub fn retry_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }
}

pub trait StageError: Error + Send + Sync + 'static {
    fn failure(&self) -> Failure;
}

/// An error's text, cut to a readable length: the text may quote a body, which does not belong in a log.
pub fn readable(error: &str) -> String {
    const MAX_CHARACTERS: usize = 1_000;
    error.chars().take(MAX_CHARACTERS).collect()
}
