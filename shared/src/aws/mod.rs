//! AWS clients and their errors, the same for every function.

mod bucket;
mod cause;

use std::{fmt::Display, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

pub use bucket::{Bucket, Object, Objects};
pub use cause::Cause;

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
        Self { operation, object: object.to_owned(), cause: cause(code, error), message }
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
        self.cause.kind()
    }

    /// A stable name for logs and attributes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.cause.code()
    }
}

/// Without an answer it depends on whether there was a request.
fn cause<E>(code: Option<&str>, error: &SdkError<E, HttpResponse>) -> Cause {
    match error.raw_response() {
        Some(response) => Cause::of_answer(code, response.status().as_u16()),
        None if matches!(error, SdkError::ConstructionFailure(_)) => Cause::Invalid,
        None => Cause::Unavailable,
    }
}

#[cfg(test)]
mod modelled;

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_smithy_runtime_api::http::StatusCode;
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
        for (status, code, cause) in [
            (403, Some("RequestThrottled"), Cause::Busy),
            (403, Some("AccessDenied"), Cause::Denied),
            (403, None, Cause::Denied),
            (404, None, Cause::NotFound),
            (500, None, Cause::Unavailable),
        ] {
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
