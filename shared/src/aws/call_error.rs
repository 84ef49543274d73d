//! The error of a call to an AWS service.

use std::{error::Error, fmt, sync::Arc};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};

use super::Cause;
use crate::{
    failure::{Failure, StageError},
    tls::Untrusted,
};

#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation} failed: {source}")]
pub struct CallError {
    /// The operation, such as `PutObject`.
    pub operation: &'static str,
    /// An S3 URI, a queue URL or a job.
    pub object: String,
    pub cause: Cause,
    source: Arc<dyn Error + Send + Sync>,
}

impl CallError {
    pub fn new(
        operation: &'static str,
        object: &str,
        cause: Cause,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { operation, object: object.to_owned(), cause, source: Arc::from(source.into()) }
    }

    pub fn from_sdk<E>(
        operation: &'static str,
        object: &str,
        error: SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let cause = match error.raw_response() {
            Some(response) => Cause::of_answer(error.code(), response.status().as_u16()),
            // Without an answer, it matters whether a request could be built at all.
            None if matches!(error, SdkError::ConstructionFailure(_)) => Cause::Invalid,
            None => Cause::Unavailable,
        };
        Self::new(operation, object, cause, SdkFailure(error))
    }

    /// For an answer that lacks a part which every answer has.
    pub fn incomplete(operation: &'static str, object: &str, what: &str) -> Self {
        let reason = format!("the answer has no {what}");
        Self::new(operation, object, Cause::Unavailable, reason)
    }
}

impl StageError for CallError {
    fn failure(&self) -> Failure {
        Failure::new(self.cause.code(), self.cause.class()).on(&self.object)
    }
}

/// The SDK's error, printed with the service's code and message, which the SDK shows only in the error's sources.
#[derive(Debug)]
struct SdkFailure<E>(SdkError<E, HttpResponse>);

impl<E> fmt::Display for SdkFailure<E>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        let status = error.raw_response().map(|response| response.status().as_u16());
        match (error.code(), error.message(), status) {
            (Some(code), Some(message), _) => write!(formatter, "{code}: {message}"),
            (Some(code), None, _) => formatter.write_str(code),
            (None, _, Some(status)) => write!(formatter, "HTTP {status}"),
            (None, _, None) => match Untrusted::among_causes(error) {
                Some(untrusted) => untrusted.fmt(formatter),
                None => DisplayErrorContext(error).fmt(formatter),
            },
        }
    }
}

impl<E> Error for SdkFailure<E>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;
    use crate::failure::Class;

    type PutError = SdkError<PutObjectError, HttpResponse>;

    fn error(status: u16, code: Option<&str>) -> PutError {
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code).message("the service's words");
        }
        let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        SdkError::service_error(PutObjectError::generic(metadata.build()), response)
    }

    fn call(error: PutError) -> CallError {
        CallError::from_sdk("PutObject", "s3://b/k", error)
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
            assert_eq!(call(error(status, code)).cause, cause, "{status} {code:?}");
        }
    }

    #[test]
    fn nobody_answering_may_pass() {
        let timeout = call(SdkError::timeout_error("slow"));
        assert_eq!(timeout.failure().class, Class::Transient);
        let unsendable = call(SdkError::construction_failure("x"));
        assert_eq!(unsendable.failure().class, Class::Permanent);
    }

    #[test]
    fn the_service_is_quoted_and_its_error_stays_attached() {
        let call = call(error(403, Some("AccessDenied")));
        assert_eq!(call.to_string(), "PutObject failed: AccessDenied: the service's words");
        let sdk = call.source().and_then(Error::source).unwrap();
        assert!(sdk.is::<PutError>(), "{sdk:?}");
        assert_eq!(call.failure().object.as_deref(), Some("s3://b/k"));
    }
}
