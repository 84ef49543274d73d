//! The raw object of a date: a Parquet file, and what its S3 metadata says about it.

mod file;
mod metadata;

pub use file::{EncodeError, encode, schema};
pub use metadata::RawMetadata;
