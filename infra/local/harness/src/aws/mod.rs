//! Clients for the services that this program talks to, local or in the cloud.

use std::{error::Error as StdError, fmt, iter::successors};

use anyhow::Error;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, SharedCredentialsProvider};
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_async::{rt::sleep::default_async_sleep, time::SharedTimeSource};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::{
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The emulator's region.
pub const LOCAL_REGION: &str = "us-east-1";
/// The emulator's access key and secret.
pub const LOCAL_KEY: &str = "test";

/// How the SDK begins the line about the profile, when no place has credentials.
const PROFILE_WAS_TRIED: &str = "Profile: the credential provider was not enabled";
/// How much of what a service or a program said fits into a sentence, in characters.
const WORDS: usize = 300;

/// One client per service.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Queries.
    pub athena: aws_sdk_athena::Client,
    /// Stacks.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// Job runs.
    pub glue: aws_sdk_glue::Client,
    /// The lake.
    pub s3: aws_sdk_s3::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
}

impl Clients {
    /// Clients of the emulator that listens at `endpoint`.
    #[must_use]
    pub fn local(endpoint: &str) -> Self {
        Self::of(&local_config(endpoint), true)
    }

    /// Clients of the account that `config` signs in to.
    #[must_use]
    pub fn of_account(config: &SdkConfig) -> Self {
        Self::of(config, false)
    }

    fn of(config: &SdkConfig, local: bool) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(local)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            athena: aws_sdk_athena::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            glue: aws_sdk_glue::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs: aws_sdk_sqs::Client::new(config),
        }
    }
}

/// The configuration of clients of whatever listens at `endpoint` on this machine. It is made up here and not loaded:
/// no profile, variable or proxy of the user's has a say in what goes to this machine.
#[must_use]
pub fn local_config(endpoint: &str) -> SdkConfig {
    let keys = Credentials::new(LOCAL_KEY, LOCAL_KEY, None, None, "emulator");
    let direct = aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, _| {
        Connector::builder()
            .proxy_config(ProxyConfig::disabled())
            .connector_settings(settings.cloned().unwrap_or_default())
            .build_http()
    });
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(LOCAL_REGION))
        .endpoint_url(endpoint)
        .http_client(direct)
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .time_source(SharedTimeSource::default());
    config.set_sleep_impl(default_async_sleep());
    config.build()
}

/// A failed call, in the words of whoever refused it.
#[derive(Debug)]
pub struct CallFailure {
    words: String,
    /// Who that was.
    pub cause: Cause,
}

/// Where a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The service does not accept the credentials any more.
    Expired,
    /// The service does not know the access key, or not its secret.
    UnknownKey,
    /// There are no credentials, or whoever ought to hand them out did not.
    NoCredentials,
    /// The credentials are good, and STS does not give the profile's role for them.
    NoRole,
    /// The session is good, and IAM Identity Center does not give the profile's account and role for it.
    NoAssignment,
    /// The profile contradicts itself, or lacks something.
    BadProfile,
    /// CloudFormation knows no stack of that name.
    NoSuchStack,
    /// Nobody answered at the service's address.
    Unreached,
    /// Anything else.
    Other,
}

impl CallFailure {
    /// What was said may be a program's whole output.
    fn new(said: &str, cause: Cause) -> Self {
        let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = match line.char_indices().nth(WORDS) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        };
        Self { words, cause }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl StdError for CallFailure {}

/// An SDK's error with what the service said, which its `Display` leaves out.
pub fn explain<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let causes: Vec<&(dyn StdError + 'static)> =
        successors(error.source(), |&cause| cause.source()).collect();
    let failure = sign_in_failure(&causes).unwrap_or_else(|| {
        let innermost = || causes.last().map_or_else(|| error.to_string(), ToString::to_string);
        let cause = match error.code() {
            Some(code) => of_service(code, error.message().unwrap_or_default()),
            None if is_unreached(&causes) => Cause::Unreached,
            None => Cause::Other,
        };
        CallFailure::new(&said(&error).unwrap_or_else(innermost), cause)
    });
    Error::new(failure)
}

/// What went wrong on the way to credentials, if that is where it did.
fn sign_in_failure(causes: &[&(dyn StdError + 'static)]) -> Option<CallFailure> {
    let find = |cause: &&(dyn StdError + 'static)| cause.is::<CredentialsError>();
    let deeper = causes.get(causes.iter().position(find)?..)?;
    let innermost = deeper.last().map(ToString::to_string).unwrap_or_default();
    if is_unreached(deeper) {
        return Some(CallFailure::new(&innermost, Cause::Unreached));
    }
    if let Some(refusal) = deeper.iter().find_map(|cause| refused_credentials(*cause)) {
        return Some(refusal);
    }
    let is_invalid = |cause: &&(dyn StdError + 'static)| {
        matches!(cause.downcast_ref(), Some(CredentialsError::InvalidConfiguration(_)))
    };
    Some(match deeper.first().and_then(|cause| cause.downcast_ref()) {
        // Every place was tried, and has its line. Only the profile is something that people set up.
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            let why =
                innermost.lines().find_map(|line| line.trim().strip_prefix(PROFILE_WAS_TRIED));
            match why.and_then(|why| why.strip_prefix(": ")) {
                Some(why) => CallFailure::new(why, Cause::BadProfile),
                None => CallFailure::new("nothing names any", Cause::NoCredentials),
            }
        }
        _ if deeper.iter().any(is_invalid) => CallFailure::new(&innermost, Cause::BadProfile),
        _ => CallFailure::new(&innermost, Cause::NoCredentials),
    })
}

/// The refusal of whoever hands out credentials for other credentials or for a session.
fn refused_credentials(cause: &(dyn StdError + 'static)) -> Option<CallFailure> {
    let (said, code, refused) = if let Some(error) = cause.downcast_ref::<AssumeRoleError>() {
        (said(error), error.code(), Cause::NoRole)
    } else if let Some(error) = cause.downcast_ref::<AssumeRoleWithWebIdentityError>() {
        (said(error), error.code(), Cause::NoRole)
    } else {
        let error = cause.downcast_ref::<GetRoleCredentialsError>()?;
        (said(error), error.code(), Cause::NoAssignment)
    };
    let cause = match code.map_or(Cause::Other, |code| of_service(code, "")) {
        Cause::Other => refused,
        known => known,
    };
    Some(CallFailure::new(&said.unwrap_or_default(), cause))
}

/// What a service's refusal means for whoever signed in. The services do not agree on names.
fn of_service(code: &str, message: &str) -> Cause {
    match code {
        // The code alone could mean any mistake in the request.
        "ValidationError" if message.starts_with("Stack ") && message.ends_with("not exist") => {
            Cause::NoSuchStack
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "UnauthorizedException" => {
            Cause::Expired
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Cause::UnknownKey,
        _ => Cause::Other,
    }
}

fn said(error: &impl ProvideErrorMetadata) -> Option<String> {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (Some(code), None) => Some(code.to_owned()),
        (None, _) => None,
    }
}

fn is_unreached(causes: &[&(dyn StdError + 'static)]) -> bool {
    causes.iter().any(|cause| cause.is::<ConnectorError>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_becomes_one_line_that_ends() {
        let failure = CallFailure::new("the vault\n  is locked\n", Cause::NoCredentials);
        assert_eq!(failure.to_string(), "the vault is locked");
        let failure = CallFailure::new(&"é".repeat(WORDS + 1), Cause::Other);
        assert_eq!(failure.to_string(), format!("{}…", "é".repeat(WORDS)));
    }

    #[test]
    fn only_cloudformations_own_words_mean_that_there_is_no_stack() {
        let said = "Stack with id ivob does not exist";
        assert_eq!(of_service("ValidationError", said), Cause::NoSuchStack);
        assert_eq!(of_service("ValidationError", "Template error"), Cause::Other);
    }
}
