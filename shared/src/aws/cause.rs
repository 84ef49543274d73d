//! The cause of a failed call, from the service's error code or, without one, from the HTTP status.
//!
//! Only causes known to be permanent park a message at its first failure. All others are retried, including unknown
//! codes: waiting costs an hour, parking costs a person.

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};

use crate::failure::{Class, Code};

/// Why a call failed, by what the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The object or run does not exist.
    NotFound,
    /// Another writer was faster: a conditional write lost (409, 412).
    Conflict,
    /// Too many calls, or too many runs.
    Busy,
    /// The service failed or could not be reached, or the request was damaged in transit.
    Unavailable,
    /// The credentials have expired, or clocks differ. Lambda renews credentials.
    Credentials,
    /// The role lacks a permission, or got the permission so recently that not every service knows.
    Denied,
    /// The service will always refuse this request.
    Invalid,
    /// The service refused with a code that is in none of the lists below.
    Unknown,
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl Cause {
    /// The cause of an error answer.
    pub(super) fn of_answer(code: Option<&str>, status: u16) -> Self {
        match code {
            Some(code) => of_code(code).unwrap_or_else(|| of_status(status)),
            None => of_bare_status(status),
        }
    }

    pub fn class(self) -> Class {
        match self {
            Self::Conflict | Self::Busy | Self::Unavailable | Self::Credentials | Self::Unknown => {
                Class::Transient
            }
            Self::Denied => Class::Denied,
            Self::NotFound | Self::Invalid => Class::Permanent,
        }
    }

    pub fn code(self) -> Code {
        match self {
            Self::NotFound => Code::AwsNotFound,
            Self::Conflict => Code::AwsConflict,
            Self::Busy => Code::AwsBusy,
            Self::Unavailable => Code::AwsUnavailable,
            Self::Credentials => Code::AwsCredentials,
            Self::Denied => Code::AwsAccessDenied,
            Self::Invalid => Code::AwsRefused,
            Self::Unknown => Code::AwsUnknown,
        }
    }
}

/// The SDK's own lists cover throttling and transient errors of all services; the rest is here.
fn of_code(code: &str) -> Option<Cause> {
    if THROTTLING_ERRORS.contains(&code) {
        return Some(Cause::Busy);
    }
    if TRANSIENT_ERRORS.contains(&code) {
        return Some(Cause::Unavailable);
    }
    // SQS prefixes some of its codes.
    Some(match code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code) {
        "EntityNotFoundException"
        | "NonExistentQueue"
        | "NoSuchKey"
        | "NotFound"
        | "QueueDoesNotExist" => Cause::NotFound,
        "ConditionalRequestConflict" | "OperationAborted" | "PreconditionFailed" => Cause::Conflict,
        "ConcurrentRunsExceededException"
        | "KMS.ThrottlingException"
        | "KMSThrottling"
        | "OverLimit"
        | "ResourceNumberLimitExceededException" => Cause::Busy,
        // A KMS key may be in a temporary state, such as being created.
        "InternalError"
        | "InternalServiceException"
        | "KMS.InvalidStateException"
        | "KMSInvalidState"
        | "OperationTimeoutException"
        | "ServiceUnavailable" => Cause::Unavailable,
        // The request was damaged in transit.
        "BadDigest"
        | "IncompleteBody"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch" => Cause::Unavailable,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestInTheFuture"
        | "RequestTimeTooSkewed"
        | "TokenRefreshRequired" => Cause::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "KMS.AccessDeniedException"
        | "KMSAccessDenied" => Cause::Denied,
        permanent if is_permanent(permanent) => Cause::Invalid,
        _ => return None,
    })
}

/// Codes about the request or the configuration: the same request would get the same answer.
fn is_permanent(code: &str) -> bool {
    matches!(
        code,
        // S3
        "EncryptionTypeMismatch"
            | "EntityTooLarge"
            | "InvalidArgument"
            | "InvalidBucketName"
            | "InvalidObjectState"
            | "InvalidRequest"
            | "InvalidWriteOffset"
            | "KeyTooLongError"
            | "MalformedXML"
            | "MetadataTooLarge"
            | "MethodNotAllowed"
            | "NoSuchBucket"
            | "TooManyParts"
            // SQS
            | "InvalidAddress"
            | "InvalidAttributeName"
            | "InvalidAttributeValue"
            | "InvalidMessageContents"
            | "InvalidParameterValue"
            | "InvalidSecurity"
            | "KMS.DisabledException"
            | "KMS.InvalidKeyUsageException"
            | "KMS.NotFoundException"
            | "KMS.OptInRequired"
            | "MessageNotInflight"
            | "MissingParameter"
            | "ReceiptHandleIsInvalid"
            | "UnsupportedOperation"
            // Glue
            | "InvalidInputException"
            // SNS
            | "EndpointDisabled"
            | "InvalidParameter"
            | "KMSDisabled"
            | "KMSNotFound"
            | "KMSOptInRequired"
            | "ParameterValueInvalid"
            | "PlatformApplicationDisabled"
            // Several services
            | "SerializationException"
            | "UnknownOperationException"
            | "ValidationError"
            | "ValidationException"
    )
}

/// For an unknown code. The status tells only which side failed.
fn of_status(status: u16) -> Cause {
    match status {
        429 => Cause::Busy,
        300..=499 => Cause::Unknown,
        _ => Cause::Unavailable,
    }
}

/// For answers to HEAD, which have no body and so no code.
fn of_bare_status(status: u16) -> Cause {
    match status {
        404 => Cause::NotFound,
        409 | 412 => Cause::Conflict,
        401 | 403 => Cause::Denied,
        _ => of_status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Cause::{Busy, Conflict, Credentials, Denied, Invalid, NotFound, Unavailable, Unknown};

    #[test]
    fn what_the_sdk_takes_for_passing_passes_whatever_the_status() {
        for status in [400, 403, 409, 500, 503] {
            for code in THROTTLING_ERRORS {
                assert_eq!(Cause::of_answer(Some(code), status), Busy, "{status} {code}");
            }
            for code in TRANSIENT_ERRORS {
                assert_eq!(Cause::of_answer(Some(code), status), Unavailable, "{status} {code}");
            }
        }
    }

    #[test]
    fn codes_say_more_than_statuses() {
        for (status, code, cause) in [
            (403, "RequestThrottled", Busy),
            (400, "RequestThrottledException", Busy),
            (400, "ProvisionedThroughputExceededException", Busy),
            (400, "TransactionInProgressException", Busy),
            (400, "BandwidthLimitExceeded", Busy),
            (400, "LimitExceededException", Busy),
            (400, "PriorRequestNotComplete", Busy),
            (400, "EC2ThrottledException", Busy),
            (403, "OverLimit", Busy),
            (503, "SlowDown", Busy),
            (400, "RequestTimeoutException", Unavailable),
            (400, "BadDigest", Unavailable),
            (400, "XAmzContentChecksumMismatch", Unavailable),
            (400, "ExpiredToken", Credentials),
            (400, "ExpiredTokenException", Credentials),
            (403, "RequestTimeTooSkewed", Credentials),
            (400, "AccessDeniedException", Denied),
            (403, "AccessDenied", Denied),
            (412, "PreconditionFailed", Conflict),
            (409, "ConditionalRequestConflict", Conflict),
            (404, "NoSuchKey", NotFound),
            (400, "AWS.SimpleQueueService.NonExistentQueue", NotFound),
            (404, "NoSuchBucket", Invalid),
            (400, "InvalidArgument", Invalid),
        ] {
            assert_eq!(Cause::of_answer(Some(code), status), cause, "{status} {code}");
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        for (status, cause) in [
            (200, Unavailable),
            (301, Unknown),
            // S3's answer to HEAD with expired credentials.
            (400, Unknown),
            (401, Denied),
            (403, Denied),
            (404, NotFound),
            (409, Conflict),
            (412, Conflict),
            (429, Busy),
            (500, Unavailable),
            (599, Unavailable),
        ] {
            assert_eq!(Cause::of_answer(None, status), cause, "{status}");
        }
    }

    #[test]
    fn what_nobody_has_heard_of_is_tried_again() {
        for status in 300..600 {
            let cause = Cause::of_answer(Some("SomethingNew"), status);
            assert_eq!(cause.class(), Class::Transient, "{status}");
        }
        assert_eq!(Cause::of_answer(Some("SomethingNew"), 404), Unknown, "taken for absent");
        assert_eq!(Cause::of_answer(Some("SomethingNew"), 403), Unknown, "taken for denied");
    }
}
