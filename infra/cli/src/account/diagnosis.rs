//! Why a call failed, as far as signing in or the account is the reason.

use std::{error::Error as StdError, iter::successors};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use harness::aws::{CallFailure, one_line};
use shared::tls::Untrusted;

/// How the SDK begins the line about the profile when it found no credentials anywhere.
const PROFILE_WAS_TRIED: &str = "Profile: the credential provider was not enabled";

/// A problem, and what AWS or the SDK said about it in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) problem: Problem,
    pub(super) said: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// The credentials have expired.
    Expired,
    /// The service does not know the access key, or the secret does not belong to it.
    UnknownKey,
    /// There are no credentials, or their source did not give any.
    NoCredentials,
    /// The credentials are good, but STS does not give the profile's role for them.
    NoRole,
    /// The session is good, but IAM Identity Center does not give the profile's account and role for it.
    NoAssignment,
    /// The profile contradicts itself or is incomplete.
    BadProfile,
    /// CloudFormation knows no stack of that name.
    NoSuchStack,
    /// The certificate at the service's address is not trusted.
    Untrusted,
    /// Nothing answered at the service's address.
    Unreached,
}

type Cause<'a> = &'a (dyn StdError + 'static);

impl Diagnosis {
    /// `None` if the failure has nothing to do with the account.
    pub(super) fn of(call: &CallFailure) -> Option<Self> {
        let causes: Vec<Cause<'_>> =
            successors(call.error.source(), |&cause| cause.source()).collect();
        if let Some(untrusted) = causes.first().and_then(|cause| Untrusted::among_causes(*cause)) {
            return Some(Self { problem: Problem::Untrusted, said: untrusted.to_string() });
        }
        if let Some(diagnosis) = sign_in_failure(&causes) {
            return Some(diagnosis);
        }
        let problem = match call.code.as_deref() {
            Some(code) => problem_of_code(code, call.message.as_deref().unwrap_or_default())?,
            None if is_unreached(&causes) => Problem::Unreached,
            None => return None,
        };
        Some(Self::new(problem, &call.to_string()))
    }

    fn new(problem: Problem, said: &str) -> Self {
        Self { problem, said: one_line(said) }
    }
}

/// What kept the SDK from getting credentials, if it got that far and no farther.
fn sign_in_failure(causes: &[Cause<'_>]) -> Option<Diagnosis> {
    let is_credentials = |cause: &Cause<'_>| cause.is::<CredentialsError>();
    let deeper = causes.get(causes.iter().position(is_credentials)?..)?;
    let innermost = deeper.last().map(ToString::to_string).unwrap_or_default();
    if is_unreached(deeper) {
        return Some(Diagnosis::new(Problem::Unreached, &innermost));
    }
    if let Some(refusal) = deeper.iter().find_map(|cause| refused_credentials(*cause)) {
        return Some(refusal);
    }
    let is_invalid = |cause: &Cause<'_>| {
        matches!(cause.downcast_ref(), Some(CredentialsError::InvalidConfiguration(_)))
    };
    Some(match deeper.first().and_then(|cause| cause.downcast_ref()) {
        // The SDK tried every place and has a line for each. Only the profile is something that people set up.
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            let why =
                innermost.lines().find_map(|line| line.trim().strip_prefix(PROFILE_WAS_TRIED));
            match why.and_then(|why| why.strip_prefix(": ")) {
                Some(why) => Diagnosis::new(Problem::BadProfile, why),
                None => Diagnosis::new(Problem::NoCredentials, "nothing names any"),
            }
        }
        _ if deeper.iter().any(is_invalid) => Diagnosis::new(Problem::BadProfile, &innermost),
        _ => Diagnosis::new(Problem::NoCredentials, &innermost),
    })
}

/// The refusal of the service that should have exchanged credentials or a session for other credentials.
fn refused_credentials(cause: Cause<'_>) -> Option<Diagnosis> {
    let (error, refused): (&dyn ProvideErrorMetadata, _) =
        if let Some(error) = cause.downcast_ref::<AssumeRoleError>() {
            (error, Problem::NoRole)
        } else if let Some(error) = cause.downcast_ref::<AssumeRoleWithWebIdentityError>() {
            (error, Problem::NoRole)
        } else {
            (cause.downcast_ref::<GetRoleCredentialsError>()?, Problem::NoAssignment)
        };
    let said = [error.code(), error.message()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let problem = error.code().and_then(|code| problem_of_code(code, "")).unwrap_or(refused);
    Some(Diagnosis::new(problem, &said))
}

/// The services do not agree on names.
fn problem_of_code(code: &str, message: &str) -> Option<Problem> {
    match code {
        // The code alone could mean any mistake in the request.
        "ValidationError" if message.starts_with("Stack ") && message.ends_with("not exist") => {
            Some(Problem::NoSuchStack)
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "UnauthorizedException" => {
            Some(Problem::Expired)
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Some(Problem::UnknownKey),
        _ => None,
    }
}

fn is_unreached(causes: &[Cause<'_>]) -> bool {
    causes.iter().any(|cause| cause.is::<ConnectorError>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cloudformations_own_words_mean_that_there_is_no_stack() {
        let said = "Stack with id ivob does not exist";
        assert_eq!(problem_of_code("ValidationError", said), Some(Problem::NoSuchStack));
        assert_eq!(problem_of_code("ValidationError", "Template error"), None);
    }
}
