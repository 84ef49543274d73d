//! Failed calls, in the words of the service.

use std::{error::Error as StdError, fmt, iter::successors};

use anyhow::Error;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::aws::{CallError, Cause};

/// The longest text that is quoted in a sentence, in characters.
const QUOTED: usize = 300;

/// A failed call. It displays as what the service said.
#[derive(Debug)]
pub struct CallFailure {
    text: String,
    /// The service's error code, if it answered with one.
    pub code: Option<String>,
    /// The service's error message, if it answered with one.
    pub message: Option<String>,
    /// The SDK's error. It is not the `source()` of this one, because its own text says less and `{:#}` would add it.
    pub error: Box<dyn StdError + Send + Sync>,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for CallFailure {}

/// Adds to an SDK's error what the service said, which its `Display` leaves out.
pub fn explain<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let (code, message) = (error.code(), error.message());
    let text = match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => innermost(&error),
    };
    Error::new(CallFailure {
        text: one_line(&text),
        code: code.map(str::to_owned),
        message: message.map(str::to_owned),
        error: Box::new(error),
    })
}

impl CallFailure {
    /// The error that a service answered with, by name and in words.
    pub(super) fn answered(code: &str, message: &str, status: u16) -> Self {
        Self {
            text: one_line(&format!("{code}: {message}")),
            code: Some(code.to_owned()),
            message: Some(message.to_owned()),
            error: format!("{code} with status {status}").into(),
        }
    }
}

/// Whether a call failed because the caller lacks a right.
pub fn is_denied(error: &Error) -> bool {
    error.chain().any(|cause| {
        let code = cause.downcast_ref::<CallFailure>().and_then(|call| call.code.as_deref());
        let is_denial = |code: &str| code.contains("AccessDenied") || code == "AuthorizationError";
        let of_lake = cause.downcast_ref::<CallError>().map(|call| call.cause);
        code.is_some_and(is_denial) || of_lake == Some(Cause::Denied)
    })
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    successors(Some(error), |&cause| cause.source()).last().unwrap_or(error).to_string()
}

/// Joins the lines of a text and cuts it to a length that fits into a sentence: it may be a program's whole output.
pub fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_denial_is_a_missing_right() {
        let answered = |code| Error::new(CallFailure::answered(code, "no", 400)).context("asking");
        for code in ["AccessDenied", "AccessDeniedException", "AuthorizationError"] {
            assert!(is_denied(&answered(code)), "{code}");
        }
        assert!(!is_denied(&answered("ThrottlingException")));
        assert!(!is_denied(&Error::msg("logs cannot be reached: operation timed out")));
        let listing = |cause| Error::new(CallError::new("ListObjectsV2", "s3://b", cause, "no"));
        assert!(is_denied(&listing(Cause::Denied).context("cannot list the lake")));
        assert!(!is_denied(&listing(Cause::Unavailable)));
    }

    #[test]
    fn what_was_said_becomes_one_line_that_ends() {
        assert_eq!(one_line("the vault\n  is locked\n"), "the vault is locked");
        assert_eq!(one_line(&"é".repeat(QUOTED + 1)), format!("{}…", "é".repeat(QUOTED)));
    }
}
