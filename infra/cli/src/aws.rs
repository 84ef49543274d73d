//! Clients for the services that this program talks to, local or in the cloud.

use anyhow::Error;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, SharedCredentialsProvider};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};

/// The emulator's region.
pub const LOCAL_REGION: &str = "us-east-1";
/// The emulator's access key and secret.
pub const LOCAL_KEY: &str = "test";

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
    pub async fn local(endpoint: &str) -> Self {
        Self::of(&local_config(endpoint).await, true)
    }

    /// Clients with the credentials and the region of the environment or of the AWS profile.
    pub async fn from_environment() -> Self {
        Self::of(&aws_config::load_defaults(BehaviorVersion::v2026_01_12()).await, false)
    }

    fn of(config: &aws_config::SdkConfig, local: bool) -> Self {
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

/// The configuration of clients of whatever listens at `endpoint` on this machine.
pub async fn local_config(endpoint: &str) -> aws_config::SdkConfig {
    let keys = Credentials::new(LOCAL_KEY, LOCAL_KEY, None, None, "emulator");
    // Neither profiles nor proxies of the user's have a say in what goes to this machine.
    let direct = aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, _| {
        Connector::builder()
            .proxy_config(ProxyConfig::disabled())
            .connector_settings(settings.cloned().unwrap_or_default())
            .build_http()
    });
    // The loader supplies what the builder does not: sleep and time.
    let defaults = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .no_credentials()
        .region(Region::new(LOCAL_REGION))
        .load()
        .await;
    let mut config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(LOCAL_REGION))
        .endpoint_url(endpoint)
        .http_client(direct)
        .credentials_provider(SharedCredentialsProvider::new(keys));
    config.set_sleep_impl(defaults.sleep_impl());
    config.set_time_source(defaults.time_source());
    config.build()
}

/// An SDK's error with all that the service said, which its `Display` leaves out.
pub fn explain(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let text = DisplayErrorContext(&error).to_string();
    // The context ends with the whole response in debug format.
    let short = text.split(" (").next().unwrap_or(&text).to_owned();
    Error::msg(short)
}
