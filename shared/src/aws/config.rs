//! The configuration of all SDK clients, from environment variables alone.
//!
//! Lambda sets the region and the credentials of the function's role as variables. The SDK's own loader also looks into
//! profiles, asks STS and the metadata services, and brings the code for it; a function has none of these.

use std::{collections::HashMap, str::FromStr, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_runtime::env_config::EnvConfigValue;
use aws_sdk_s3::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_types::{
    os_shim_internal::Env,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};

use super::http::http_client;
use crate::{
    http::Client,
    settings::{Environment, SettingError},
};

/// The URL of all services, and of one with its name appended, as in `AWS_ENDPOINT_URL_S3`.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The configuration of all clients, with timeouts that fit into a function's own timeout.
///
/// # Errors
/// For a missing region and for values that are neither true nor false.
pub fn sdk_config(environment: &Environment, http: &Client) -> Result<SdkConfig, SettingError> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(20))
        .build();
    let client = http_client(http.clone());
    Ok(of_variables(environment, client)?.timeout_config(timeouts).build())
}

fn of_variables(
    environment: &Environment,
    client: SharedHttpClient,
) -> Result<aws_types::sdk_config::Builder, SettingError> {
    let region = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
    let region = region.ok_or(SettingError::Missing { name: "AWS_REGION" })?;
    let Flag(fips) = environment.or("AWS_USE_FIPS_ENDPOINT", Flag(false))?;
    let Flag(dual_stack) = environment.or("AWS_USE_DUALSTACK_ENDPOINT", Flag(false))?;
    let Flag(ignored) = environment.or("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", Flag(false))?;
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(client)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(
            EnvironmentVariableCredentialsProvider::new(),
        ))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .use_fips(fips)
        .use_dual_stack(dual_stack)
        .service_config(OfService {
            variables: Env::from(environment.iter().collect::<HashMap<_, _>>()),
            ignore_endpoints: ignored,
        }))
}

/// `true` or `false` in any case, as the SDK reads them.
#[derive(Clone, Copy)]
struct Flag(bool);

impl FromStr for Flag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            _ if text.eq_ignore_ascii_case("true") => Ok(Self(true)),
            _ if text.eq_ignore_ascii_case("false") => Ok(Self(false)),
            _ => Err("neither true nor false"),
        }
    }
}

/// The variables of one service, such as `AWS_ENDPOINT_URL_S3`, and else those of all. Each client asks for its own.
#[derive(Debug)]
struct OfService {
    variables: Env,
    ignore_endpoints: bool,
}

impl LoadServiceConfig for OfService {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if self.ignore_endpoints && key.env() == ENDPOINT_URL {
            return None;
        }
        let value = EnvConfigValue::new().env(key.env()).service_id(key.service_id());
        let (value, _) = value.load(&self.variables, None)?;
        Some(value.into_owned())
    }
}

/// Whether the variables move this service, or all, to another endpoint.
pub(super) fn has_own_endpoint(sdk: &SdkConfig, service_id: &str) -> bool {
    let key = ServiceConfigKey::builder().service_id(service_id).env(ENDPOINT_URL);
    let of_service = sdk.service_config().zip(key.profile("endpoint_url").build().ok());
    sdk.endpoint_url().is_some()
        || of_service.is_some_and(|(config, key)| config.load_config(key).is_some())
}
