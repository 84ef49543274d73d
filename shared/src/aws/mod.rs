//! AWS clients and their errors, shared by all functions.

mod bucket;
mod call_error;
mod cause;
mod memory_bucket;

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

pub use bucket::{Bucket, Condition, ETag, Get, Head, Listed, NewObject, S3Bucket};
pub use call_error::CallError;
pub use cause::Cause;
pub use memory_bucket::MemoryBucket;

/// The configuration of all clients: from the environment, with timeouts that fit into a function's own timeout.
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

#[cfg(test)]
mod modelled;
