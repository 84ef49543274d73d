//! The way in which a person signs in to AWS, as variables and profiles describe it.

use std::{collections::HashSet, fmt};

use aws_config::profile::{Profile, ProfileSet};
use aws_types::os_shim_internal::Env;

/// The profile of a person who names none.
pub(super) const DEFAULT_PROFILE: &str = "default";

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignIn {
    /// The profile that AWS programs use.
    profile: String,
    method: Method,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Method {
    /// `AWS_ACCESS_KEY_ID` and its like, which go before any profile.
    Variables,
    /// `aws sso login`, with this profile.
    Sso(String),
    /// `aws login`, with this profile.
    Login(String),
    /// A program that prints credentials, in this profile.
    Process(String),
    /// A token in this file.
    WebIdentity(String),
    /// An access key in this profile.
    Keys(String),
    /// Neither variables nor profile say; containers and instances of AWS have credentials.
    Unknown,
}

impl SignIn {
    /// A profile that was asked for by an option goes before variables with keys.
    ///
    /// # Errors
    /// A sentence about a profile that takes its credentials from one that does not exist.
    pub(super) fn find(
        env: &Env,
        profiles: &ProfileSet,
        is_asked_for: bool,
    ) -> Result<Self, String> {
        let profile = profiles.selected_profile().to_owned();
        let set = |name| env.get(name).ok().filter(|value| !value.is_empty() && !is_asked_for);
        let method = if set("AWS_ACCESS_KEY_ID").is_some() && set("AWS_SECRET_ACCESS_KEY").is_some()
        {
            Method::Variables
        } else {
            match (Method::of_profile(profiles, &profile)?, set("AWS_WEB_IDENTITY_TOKEN_FILE")) {
                (Method::Unknown, Some(file)) => Method::WebIdentity(file),
                (method, _) => method,
            }
        };
        Ok(Self { profile, method })
    }

    /// The beginning of a sentence: there are no credentials, or no longer.
    pub(super) fn lacks_credentials(&self) -> String {
        match &self.method {
            Method::Sso(profile) => {
                format!("the SSO session of profile {profile} is missing or has expired")
            }
            Method::Login(profile) => {
                format!("the login of profile {profile} is missing or has expired")
            }
            Method::Process(profile) => {
                format!("the credential_process of profile {profile} gave no good credentials")
            }
            Method::WebIdentity(file) => {
                format!("the web identity token in {file} gave no good credentials")
            }
            Method::Variables | Method::Keys(_) => {
                format!("the credentials of {self} have expired or cannot be used")
            }
            Method::Unknown => format!("{self} has no AWS credentials"),
        }
    }

    /// What to do, with the command.
    pub(super) fn remedy(&self) -> String {
        match &self.method {
            Method::Sso(profile) => format!("sign in: aws sso login{}", profile_option(profile)),
            Method::Login(profile) => format!("sign in: aws login{}", profile_option(profile)),
            Method::Process(profile) => format!(
                "run it by hand to see why: sh -c \"$(aws configure get credential_process{})\"",
                profile_option(profile)
            ),
            Method::WebIdentity(file) => format!("see whether it is there and fresh: ls -l {file}"),
            Method::Keys(profile) => format!("enter others: aws configure{}", profile_option(profile)),
            Method::Variables => "export new ones, or go back to your profiles: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN".to_owned(),
            Method::Unknown => {
                let option = self.profile_option();
                format!("sign in: aws login{option}, or set up SSO: aws configure sso{option}")
            }
        }
    }

    /// How `aws` is told the profile. It takes variables by itself, unless it is told a profile.
    pub(super) fn profile_option(&self) -> String {
        if self.method == Method::Variables { String::new() } else { profile_option(&self.profile) }
    }
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method {
            Method::Variables => f.write_str("AWS_ACCESS_KEY_ID"),
            _ => write!(f, "profile {}", self.profile),
        }
    }
}

impl Method {
    /// Follows `source_profile` to where a chain of roles begins, in the order in which the SDK looks.
    fn of_profile(profiles: &ProfileSet, selected: &str) -> Result<Self, String> {
        let (mut name, mut seen) = (selected, HashSet::new());
        while let Some(profile) = profiles.get_profile(name) {
            let has = |key: &str| profile.get(key).is_some();
            let source = profile.get("source_profile").filter(|_| has("role_arn"));
            if !seen.is_empty() && has("aws_access_key_id") {
                return Ok(Self::Keys(name.to_owned()));
            }
            match source {
                // A profile that was seen before closes a circle, and one that is its own source ends the chain.
                Some(source) if seen.insert(name) && source != name => name = source,
                _ => return Ok(Self::of_base(name, profile)),
            }
        }
        if name == selected {
            return Ok(Self::Unknown);
        }
        Err(format!(
            "profile {selected} takes its credentials from profile {name}, which there is not; make it: aws configure sso --profile {name}"
        ))
    }

    fn of_base(name: &str, profile: &Profile) -> Self {
        let has = |key: &str| profile.get(key).is_some();
        let own = || name.to_owned();
        if has("credential_source") {
            Self::Unknown
        } else if let Some(file) = profile.get("web_identity_token_file") {
            Self::WebIdentity(file.to_owned())
        } else if has("sso_session") || has("sso_start_url") {
            Self::Sso(own())
        } else if has("login_session") {
            Self::Login(own())
        } else if has("credential_process") {
            Self::Process(own())
        } else if has("aws_access_key_id") {
            Self::Keys(own())
        } else {
            Self::Unknown
        }
    }
}

pub(super) fn profile_option(profile: &str) -> String {
    if profile == DEFAULT_PROFILE { String::new() } else { format!(" --profile {profile}") }
}
