//! Clients of the AWS services, in the emulator or in the cloud, and the errors of their calls.

mod call_failure;
mod json_calls;

use anyhow::Result;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, SharedCredentialsProvider};
use aws_smithy_async::{rt::sleep::default_async_sleep, time::SharedTimeSource};
use shared::{aws::http_client, http};

pub use call_failure::{CallFailure, explain, is_denied, one_line};
pub use json_calls::{JsonCalls, Service};

/// The emulator's region.
pub const LOCAL_REGION: &str = "us-east-1";
/// The emulator's account.
pub const LOCAL_ACCOUNT: &str = "000000000000";
/// The emulator's access key, and its secret too.
pub const LOCAL_KEY: &str = "test";

/// One client per service.
#[derive(Debug, Clone)]
pub struct Clients {
    pub athena: aws_sdk_athena::Client,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub glue: aws_sdk_glue::Client,
    pub s3: aws_sdk_s3::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
    /// The services without a client here.
    pub json: JsonCalls,
    /// What all of them are made from.
    pub config: SdkConfig,
}

impl Clients {
    /// Clients of the emulator that listens at `endpoint`.
    pub fn local(endpoint: &str) -> Result<Self> {
        Ok(Self::new(&local_config(endpoint)?, true))
    }

    /// Clients of the account that `config` signs in to.
    pub fn of_account(config: &SdkConfig) -> Self {
        Self::new(config, false)
    }

    fn new(config: &SdkConfig, local: bool) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(local)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            athena: aws_sdk_athena::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            glue: aws_sdk_glue::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sns: aws_sdk_sns::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            json: JsonCalls::new(config, local),
            config: config.clone(),
        }
    }
}

/// Configuration for clients of a server on this machine. It is built from constants rather than loaded, so that none
/// of the user's profiles, variables or proxies affects local calls.
pub fn local_config(endpoint: &str) -> Result<SdkConfig> {
    let keys = Credentials::new(LOCAL_KEY, LOCAL_KEY, None, None, "emulator");
    let direct = http::builder()?.no_proxy().build()?;
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(LOCAL_REGION))
        .endpoint_url(endpoint)
        .http_client(http_client(direct))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .time_source(SharedTimeSource::default());
    config.set_sleep_impl(default_async_sleep());
    Ok(config.build())
}
