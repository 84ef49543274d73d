//! The raw object of a date: a Parquet file and its S3 metadata.

mod file;
mod metadata;

pub use file::{EncodeError, encode, encode_hashed, schema};
pub use metadata::RawMetadata;
