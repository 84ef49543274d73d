//! AWS clients and their errors, the same for every function.

use std::{fmt::Display, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

use crate::stage::Kind;

/// The configuration of every client: from the environment, with limits that fit into a function's time.
pub async fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(20))
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}

/// An S3 client. Away from AWS, where buckets have no host names, they are part of the path.
#[must_use]
pub fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let custom_endpoint = config.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(custom_endpoint);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Why a call failed, by what the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The object or run does not exist.
    NotFound,
    /// Somebody else wrote in between: a conditional write lost (409, 412).
    Conflict,
    /// Too many calls, or too many runs.
    Busy,
    /// The service failed or could not be reached.
    Unavailable,
    /// The role lacks a right.
    Denied,
    /// The service will not do this, however often it is asked.
    Invalid,
}

/// A call of an AWS service that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} failed: {message}")]
pub struct CallError {
    /// The operation, such as `PutObject`.
    pub operation: &'static str,
    /// What it was about: an S3 URI, a queue URL, a job.
    pub object: String,
    /// What the caller does next.
    pub cause: Cause,
    /// The service's words.
    pub message: String,
}

impl CallError {
    /// Describes an SDK error of `operation` on `object`.
    pub fn from_sdk<E>(
        operation: &'static str,
        object: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map(HttpResponse::status);
        let code = error.code();
        let message = match (code, error.message(), status) {
            (Some(code), Some(message), _) => format!("{code}: {message}"),
            (Some(code), None, _) => code.to_owned(),
            (None, _, Some(status)) => format!("HTTP {}", status.as_u16()),
            (None, _, None) => DisplayErrorContext(error).to_string(),
        };
        Self { operation, object: object.to_owned(), cause: cause(code, status, error), message }
    }

    /// A call that could not even be made.
    pub fn not_sent(operation: &'static str, reason: &impl Display) -> Self {
        Self {
            operation,
            object: String::new(),
            cause: Cause::Invalid,
            message: reason.to_string(),
        }
    }

    /// A call whose answer broke off.
    pub fn interrupted(operation: &'static str, object: &str, reason: &impl Display) -> Self {
        Self {
            operation,
            object: object.to_owned(),
            cause: Cause::Unavailable,
            message: reason.to_string(),
        }
    }

    /// A call whose answer lacks what every answer has.
    #[must_use]
    pub fn incomplete(operation: &'static str, object: &str, what: &str) -> Self {
        Self::interrupted(operation, object, &format_args!("the answer has no {what}"))
    }

    /// A call whose answer is of no use, now or later.
    #[must_use]
    pub fn unusable(operation: &'static str, object: &str, reason: &str) -> Self {
        Self {
            operation,
            object: object.to_owned(),
            cause: Cause::Invalid,
            message: reason.to_owned(),
        }
    }

    /// What the failure means for a message.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.cause {
            Cause::Conflict | Cause::Busy | Cause::Unavailable => Kind::Transient,
            Cause::NotFound | Cause::Denied | Cause::Invalid => Kind::Refused,
        }
    }

    /// A stable name for logs and attributes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.cause {
            Cause::NotFound => "aws-not-found",
            Cause::Conflict => "aws-conflict",
            Cause::Busy => "aws-busy",
            Cause::Unavailable => "aws-unavailable",
            Cause::Denied => "aws-access-denied",
            Cause::Invalid => "aws-refused",
        }
    }
}

fn cause<E>(
    code: Option<&str>,
    status: Option<StatusCode>,
    error: &SdkError<E, HttpResponse>,
) -> Cause {
    let by_code = code.and_then(|code| match code {
        "NoSuchKey" | "NotFound" | "EntityNotFoundException" => Some(Cause::NotFound),
        "ConditionalRequestConflict" | "PreconditionFailed" | "OperationAborted" => {
            Some(Cause::Conflict)
        }
        "ConcurrentRunsExceededException"
        | "ResourceNumberLimitExceededException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Some(Cause::Busy),
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" => Some(Cause::Denied),
        "InternalError"
        | "InternalServiceException"
        | "OperationTimeoutException"
        | "RequestTimeout"
        | "ServiceUnavailable" => Some(Cause::Unavailable),
        "NoSuchBucket" => Some(Cause::Invalid),
        _ => None,
    });
    by_code.unwrap_or_else(|| match status.map(|status| status.as_u16()) {
        Some(404) => Cause::NotFound,
        Some(409 | 412) => Cause::Conflict,
        Some(401 | 403) => Cause::Denied,
        Some(429) => Cause::Busy,
        Some(400..=499) => Cause::Invalid,
        Some(_) => Cause::Unavailable,
        None if matches!(error, SdkError::ConstructionFailure(_)) => Cause::Invalid,
        None => Cause::Unavailable,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    fn error(status: u16, code: Option<&str>) -> SdkError<PutObjectError, HttpResponse> {
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code).message("the service's words");
        }
        let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        SdkError::service_error(PutObjectError::generic(metadata.build()), response)
    }

    #[test]
    fn causes_follow_from_code_and_status() {
        let expected = [
            (412, Some("PreconditionFailed"), Cause::Conflict),
            (409, Some("ConditionalRequestConflict"), Cause::Conflict),
            (404, Some("NoSuchKey"), Cause::NotFound),
            (404, None, Cause::NotFound),
            (404, Some("NoSuchBucket"), Cause::Invalid),
            (403, Some("AccessDenied"), Cause::Denied),
            (403, None, Cause::Denied),
            (400, Some("ThrottlingException"), Cause::Busy),
            (400, Some("ConcurrentRunsExceededException"), Cause::Busy),
            (503, Some("SlowDown"), Cause::Busy),
            (500, None, Cause::Unavailable),
            (400, Some("InvalidArgument"), Cause::Invalid),
        ];
        for (status, code, cause) in expected {
            let call = CallError::from_sdk("PutObject", "s3://b/k", &error(status, code));
            assert_eq!(call.cause, cause, "{status} {code:?}");
        }
    }

    #[test]
    fn nobody_answering_may_pass() {
        let timeout: SdkError<PutObjectError, HttpResponse> = SdkError::timeout_error("slow");
        assert_eq!(CallError::from_sdk("PutObject", "s3://b/k", &timeout).kind(), Kind::Transient);
        let unsendable: SdkError<PutObjectError, HttpResponse> =
            SdkError::construction_failure("x");
        assert_eq!(CallError::from_sdk("PutObject", "s3://b/k", &unsendable).kind(), Kind::Refused);
    }

    #[test]
    fn the_service_is_quoted() {
        let call = CallError::from_sdk("PutObject", "s3://b/k", &error(403, Some("AccessDenied")));
        assert_eq!(call.to_string(), "PutObject failed: AccessDenied: the service's words");
    }
}
