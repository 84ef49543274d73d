//! AWS clients and their errors, shared by all functions.

mod bucket;
mod call_error;
mod cause;
mod config;
mod http;
mod memory_bucket;

pub use bucket::{Bucket, Condition, ETag, Get, Head, Listed, NewObject, S3Bucket};
pub use call_error::CallError;
pub use cause::Cause;
pub use config::sdk_config;
pub use http::http_client;
pub use memory_bucket::MemoryBucket;

#[cfg(test)]
mod modelled;
