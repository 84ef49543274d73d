//! The AWS account behind `--stack`: who signs in to it, where, and which command helps when that fails.

use std::{collections::HashSet, error::Error as StdError, fmt, iter::successors};

use anyhow::{Error, Result};
use aws_config::{
    BehaviorVersion, SdkConfig, profile,
    profile::{Profile, ProfileSet},
    retry::RetryConfig,
};
use aws_types::os_shim_internal::{Env, Fs};
use harness::{
    aws::{CallFailure, Cause, Clients},
    failure::{Exit, Failure},
};

/// The profile that counts where nobody names one.
const DEFAULT_PROFILE: &str = "default";

/// An account, as the usual AWS environment describes it.
#[derive(Debug)]
pub(crate) struct Account {
    config: SdkConfig,
    region: String,
    sign_in: SignIn,
}

impl Account {
    /// Takes region and credentials from where every AWS program does: variables and profiles.
    ///
    /// # Errors
    /// A [`Failure`] of a machine that is not ready, when `AWS_PROFILE` names none or nothing names a region.
    pub(crate) async fn of_environment() -> Result<Self> {
        let env = Env::real();
        let profiles = profile::load(&Fs::real(), &env, &Default::default(), None).await;
        let profiles = profiles.map_err(|error| not_ready(unreadable(&error)))?;
        let name = profiles.selected_profile();
        if name != DEFAULT_PROFILE && profiles.get_profile(name).is_none() {
            return Err(not_ready(unknown_profile(name, &profiles)));
        }
        // Said here, since the SDK panics where variables or profiles say something else than a number.
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(RetryConfig::standard())
            .load()
            .await;
        let region = config.region().map(ToString::to_string).filter(|region| !region.is_empty());
        let Some(region) = region else { return Err(not_ready(no_region(name))) };
        Ok(Self { config, region, sign_in: SignIn::of(&env, &profiles)? })
    }

    /// Its clients.
    #[must_use]
    pub(crate) fn clients(&self) -> Clients {
        Clients::of_account(&self.config)
    }

    /// What became of work on a stack: the error as it is, or a [`Failure`] with one sentence and the command
    /// that helps, where account or stack are not as they ought to be.
    #[must_use]
    pub(crate) fn explain(&self, error: Error, stack: &str) -> Error {
        match error.chain().find_map(|cause| cause.downcast_ref::<CallFailure>()) {
            Some(call) if call.cause == Cause::NoSuchStack => self.no_such_stack(stack).into(),
            Some(call) => self.sentence(call).map_or(error, not_ready),
            None => error,
        }
    }

    fn no_such_stack(&self, stack: &str) -> Failure {
        let Self { region, sign_in, .. } = self;
        let cause = format!(
            "there is no stack named {stack} in region {region} of the account of {sign_in}; see which there are: \
             aws cloudformation list-stacks --region {region}{}, or look in another region: export AWS_REGION=sa-east-1",
            sign_in.option()
        );
        Failure::new("account", cause)
    }

    fn sentence(&self, call: &CallFailure) -> Option<String> {
        let Self { region, sign_in, .. } = self;
        let (option, remedy) = (sign_in.option(), sign_in.remedy());
        let sentence = match call.cause {
            Cause::NoCredentials | Cause::Expired => sign_in.expired(call),
            Cause::UnknownKey => format!(
                "AWS does not know the access key of {sign_in}, or not with its secret ({call}); {remedy}"
            ),
            Cause::NoRole => format!(
                "{sign_in} is signed in, but is not given its role ({call}); see which one it asks for: \
                 aws configure get role_arn{option}"
            ),
            Cause::NoAssignment => format!(
                "{sign_in} is signed in, but is given no credentials for its account and role ({call}); \
                 choose among those that there are: aws configure sso{option}"
            ),
            Cause::BadProfile => {
                format!(
                    "{sign_in} cannot be used ({call}); see what it says: aws configure list{option}"
                )
            }
            Cause::Unreached => format!(
                "AWS cannot be reached in region {region} ({call}); if the stack is in another one: export AWS_REGION=sa-east-1"
            ),
            Cause::NoSuchStack | Cause::Other => return None,
        };
        Some(sentence)
    }
}

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SignIn {
    /// The profile that AWS programs use.
    profile: String,
    way: Way,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
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
    /// Nothing says; containers and instances of AWS have them.
    Unsaid,
}

impl SignIn {
    fn of(env: &Env, profiles: &ProfileSet) -> Result<Self> {
        let profile = profiles.selected_profile().to_owned();
        let set = |name| env.get(name).ok().filter(|value| !value.is_empty());
        let way = if set("AWS_ACCESS_KEY_ID").is_some() && set("AWS_SECRET_ACCESS_KEY").is_some() {
            Way::Variables
        } else {
            match (Way::of_profile(profiles, &profile)?, set("AWS_WEB_IDENTITY_TOKEN_FILE")) {
                (Way::Unsaid, Some(file)) => Way::WebIdentity(file),
                (way, _) => way,
            }
        };
        Ok(Self { profile, way })
    }

    /// There are no credentials, or no longer.
    fn expired(&self, call: &CallFailure) -> String {
        let remedy = self.remedy();
        match &self.way {
            Way::Sso(profile) => format!(
                "the SSO session of profile {profile} is missing or has expired ({call}); {remedy}"
            ),
            Way::Login(profile) => {
                format!(
                    "the login of profile {profile} is missing or has expired ({call}); {remedy}"
                )
            }
            Way::Process(profile) => {
                format!(
                    "the credential_process of profile {profile} gave no good credentials ({call}); {remedy}"
                )
            }
            Way::WebIdentity(file) => {
                format!(
                    "the web identity token in {file} gave no good credentials ({call}); {remedy}"
                )
            }
            Way::Variables | Way::Keys(_) => {
                format!(
                    "the credentials of {self} have expired or cannot be used ({call}); {remedy}"
                )
            }
            Way::Unsaid => format!("{self} has no AWS credentials ({call}); {remedy}"),
        }
    }

    /// What to do, with the command.
    fn remedy(&self) -> String {
        match &self.way {
            Way::Sso(profile) => format!("sign in: aws sso login{}", option(profile)),
            Way::Login(profile) => format!("sign in: aws login{}", option(profile)),
            Way::Process(profile) => format!(
                "run it by hand to see why: sh -c \"$(aws configure get credential_process{})\"",
                option(profile)
            ),
            Way::WebIdentity(file) => format!("see whether it is there and fresh: ls -l {file}"),
            Way::Keys(profile) => format!("enter others: aws configure{}", option(profile)),
            Way::Variables => "export new ones, or go back to your profiles: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN".to_owned(),
            Way::Unsaid => {
                let option = self.option();
                format!("sign in: aws login{option}, or set up SSO: aws configure sso{option}")
            }
        }
    }

    /// Variables count for `aws` too, unless it is told a profile.
    fn option(&self) -> String {
        if self.way == Way::Variables { String::new() } else { option(&self.profile) }
    }
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.way {
            Way::Variables => f.write_str("AWS_ACCESS_KEY_ID"),
            _ => write!(f, "profile {}", self.profile),
        }
    }
}

impl Way {
    /// Follows `source_profile` to where a chain of roles begins, in the order in which the SDK looks.
    fn of_profile(profiles: &ProfileSet, selected: &str) -> Result<Self> {
        let (mut name, mut seen) = (selected, HashSet::new());
        while let Some(profile) = profiles.get_profile(name) {
            let has = |key: &str| profile.get(key).is_some();
            let source = profile.get("source_profile").filter(|_| has("role_arn"));
            if !seen.is_empty() && has("aws_access_key_id") {
                return Ok(Self::Keys(name.to_owned()));
            }
            match source {
                // A circle, and a profile that is its own source, end where they are seen again.
                Some(source) if seen.insert(name) && source != name => name = source,
                _ => return Ok(Self::of_base(name, profile)),
            }
        }
        if name == selected {
            return Ok(Self::Unsaid);
        }
        Err(not_ready(format!(
            "profile {selected} takes its credentials from profile {name}, which there is not; make it: aws configure sso --profile {name}"
        )))
    }

    fn of_base(name: &str, profile: &Profile) -> Self {
        let has = |key: &str| profile.get(key).is_some();
        let own = || name.to_owned();
        if has("credential_source") {
            Self::Unsaid
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
            Self::Unsaid
        }
    }
}

fn not_ready(sentence: String) -> Error {
    Failure { exit: Exit::MachineNotReady, ..Failure::new("account", sentence) }.into()
}

/// How `aws` is told the profile.
fn option(profile: &str) -> String {
    if profile == DEFAULT_PROFILE { String::new() } else { format!(" --profile {profile}") }
}

fn unknown_profile(name: &str, profiles: &ProfileSet) -> String {
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    match known.first() {
        Some(first) => format!(
            "AWS_PROFILE is {name:?}, and there is no such profile, only {}; choose one: export AWS_PROFILE={first}",
            known.join(", ")
        ),
        None => format!(
            "AWS_PROFILE is {name:?}, and there are no profiles; make it: aws configure sso --profile {name}"
        ),
    }
}

fn no_region(profile: &str) -> String {
    format!(
        "profile {profile} has no AWS region, and AWS_REGION is not set; name the stack's: aws configure set region sa-east-1{}, or export AWS_REGION=sa-east-1",
        option(profile)
    )
}

fn unreadable(error: &(dyn StdError + 'static)) -> String {
    let words: Vec<String> =
        successors(Some(error), |&cause| cause.source()).map(ToString::to_string).collect();
    let words = words.join(": ").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("the AWS profiles cannot be read, mend that line: {words}")
}
