//! The AWS account behind `--stack`: its region and credentials, and the command that helps when they do not work.

mod diagnosis;
mod sign_in;

use std::{borrow::Cow, error::Error as StdError, iter::successors};

use anyhow::{Error, Result};
use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    profile::{self, ProfileFileCredentialsProvider, ProfileSet},
    provider_config::ProviderConfig,
    retry::RetryConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};
use harness::{
    aws::{self, CallFailure, Clients},
    failure::{Exit, Failure},
};
use shared::{aws::http_client, http, settings::Environment, tls};

use self::{
    diagnosis::{Diagnosis, Problem},
    sign_in::{DEFAULT_PROFILE, SignIn, profile_option},
};
use crate::args::AccountArgs;

/// An account, as options and the usual AWS environment describe it.
#[derive(Debug)]
pub(crate) struct Account {
    config: SdkConfig,
    region: String,
    sign_in: SignIn,
}

impl Account {
    /// Takes region and credentials from the options, or else from where every AWS program does: variables and
    /// profiles.
    ///
    /// # Errors
    /// A [`Failure`] of a machine that is not ready, if there is no such profile, no region is set, or a variable names
    /// no root certificate.
    pub(crate) async fn sign_in(options: &AccountArgs) -> Result<Self> {
        tls::check(&Environment::of_process()).map_err(|error| not_ready(error.to_string()))?;
        let env = Env::real();
        let chosen = options.profile.clone().map(Cow::Owned);
        let profiles = profile::load(&Fs::real(), &env, &Default::default(), chosen).await;
        let profiles = profiles.map_err(|error| not_ready(unreadable(&error)))?;
        let name = profiles.selected_profile();
        let is_named = options.profile.is_some() || name != DEFAULT_PROFILE;
        if is_named && profiles.get_profile(name).is_none() {
            return Err(not_ready(unknown_profile(name, options, &profiles)));
        }
        // Retries are set here because the SDK panics if a variable or profile holds something other than a number.
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http_client(http::client()?))
            .retry_config(RetryConfig::standard());
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string).filter(|region| !region.is_empty());
        let Some(region) = region else { return Err(not_ready(no_region(name))) };
        let config = match &options.profile {
            Some(profile) => with_profile(config, profile),
            None => config,
        };
        let sign_in =
            SignIn::find(&env, &profiles, options.profile.is_some()).map_err(not_ready)?;
        Ok(Self { config, region, sign_in })
    }

    /// The ARN of the user or role that the credentials belong to.
    pub(crate) async fn caller(&self) -> Result<String> {
        let identity = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        Ok(identity.map_err(aws::explain)?.arn().unwrap_or("an unnamed caller").to_owned())
    }

    /// Region and sign-in, in words.
    pub(crate) fn description(&self) -> String {
        format!("{} in region {}", self.sign_in, self.region)
    }

    pub(crate) fn clients(&self) -> Clients {
        Clients::of_account(&self.config)
    }

    /// Replaces an error that has its reason in the account, or in the stack's name, by one sentence with the command
    /// that helps. Any other error stays as it is.
    pub(crate) fn explain(&self, error: Error, stack: &str) -> Error {
        let call = error.chain().find_map(|cause| cause.downcast_ref::<CallFailure>());
        match call.and_then(Diagnosis::of) {
            Some(Diagnosis { problem: Problem::NoSuchStack, .. }) => {
                Failure::new("account", self.no_such_stack(stack)).into()
            }
            Some(diagnosis) => not_ready(self.sentence(&diagnosis)),
            None => error,
        }
    }

    fn no_such_stack(&self, stack: &str) -> String {
        let Self { region, sign_in, .. } = self;
        format!(
            "there is no stack named {stack} in region {region} of the account of {sign_in}; see which there are: \
             aws cloudformation list-stacks --region {region}{}, or look in another region: export AWS_REGION=sa-east-1",
            sign_in.profile_option()
        )
    }

    fn sentence(&self, Diagnosis { problem, said }: &Diagnosis) -> String {
        let Self { region, sign_in, .. } = self;
        let (option, remedy) = (sign_in.profile_option(), sign_in.remedy());
        match problem {
            Problem::NoCredentials | Problem::Expired => {
                format!("{} ({said}); {remedy}", sign_in.lacks_credentials())
            }
            Problem::UnknownKey => format!(
                "AWS does not know the access key of {sign_in}, or not with its secret ({said}); {remedy}"
            ),
            Problem::NoRole => format!(
                "{sign_in} is signed in, but is not given its role ({said}); see which one it asks for: \
                 aws configure get role_arn{option}"
            ),
            Problem::NoAssignment => format!(
                "{sign_in} is signed in, but is given no credentials for its account and role ({said}); \
                 choose among those that there are: aws configure sso{option}"
            ),
            Problem::BadProfile => format!(
                "{sign_in} cannot be used ({said}); see what it says: aws configure list{option}"
            ),
            Problem::Untrusted => {
                format!("there is no safe connection to AWS in region {region}: {said}")
            }
            Problem::Unreached | Problem::NoSuchStack => format!(
                "AWS cannot be reached in region {region} ({said}); if the stack is in another one: export AWS_REGION=sa-east-1"
            ),
        }
    }
}

/// Takes credentials from a profile that is asked for, which goes before variables with keys, as in the AWS CLI.
fn with_profile(config: SdkConfig, profile: &str) -> SdkConfig {
    let mut signing_in = ProviderConfig::without_region().with_region(config.region().cloned());
    if let Some(client) = config.http_client() {
        signing_in = signing_in.with_http_client(client);
    }
    let credentials = ProfileFileCredentialsProvider::builder().profile_name(profile);
    let credentials = SharedCredentialsProvider::new(credentials.configure(&signing_in).build());
    config.into_builder().credentials_provider(credentials).build()
}

fn not_ready(sentence: String) -> Error {
    Failure { exit: Exit::MachineNotReady, ..Failure::new("account", sentence) }.into()
}

fn unknown_profile(name: &str, options: &AccountArgs, profiles: &ProfileSet) -> String {
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let (said_by, choose) = match options.profile {
        Some(_) => ("--profile", "--profile "),
        None => ("AWS_PROFILE", "export AWS_PROFILE="),
    };
    match known.first() {
        Some(first) => format!(
            "{said_by} is {name:?}, and there is no such profile, only {}; choose one: {choose}{first}",
            known.join(", ")
        ),
        None => format!(
            "{said_by} is {name:?}, and there are no profiles; make it: aws configure sso --profile {name}"
        ),
    }
}

fn no_region(profile: &str) -> String {
    format!(
        "profile {profile} has no AWS region, and AWS_REGION is not set; name the stack's: aws configure set region sa-east-1{}, or export AWS_REGION=sa-east-1",
        profile_option(profile)
    )
}

fn unreadable(error: &(dyn StdError + 'static)) -> String {
    let causes: Vec<String> =
        successors(Some(error), |&cause| cause.source()).map(ToString::to_string).collect();
    let text = causes.join(": ").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("the AWS profiles cannot be read, mend that line: {text}")
}
