//! The writer's side of the lake: it reads landing/ and writes raw/ on conditions.

use std::fmt::Display;

use aws_sdk_s3::{Client, primitives::ByteStream};
use shared::{
    aws::{CallError, Cause},
    failpoint,
    lake::{LandingKey, RawKey},
    landing::MAX_LANDING_BYTES,
    parquet::{CONTENT_SHA256, LANDING_KEY},
    portfolio::ContentHash,
};

use crate::{
    decision::{Condition, Recorded},
    error::WriteError,
};

/// The object's metadata key for the hash of its bytes.
const FILE_SHA256: &str = "file-sha256";

/// The lake's bucket.
#[derive(Clone, Debug)]
pub struct Lake {
    client: Client,
    bucket: String,
}

/// A raw file that is ready to be written.
#[derive(Clone, Debug)]
pub struct RawFile {
    /// The landing object that it was made from.
    pub landing: LandingKey,
    /// Of the portfolio.
    pub content: ContentHash,
    /// The file.
    pub bytes: Vec<u8>,
    /// Of the bytes.
    pub file_hash: String,
}

impl RawFile {
    /// A raw file with the hash of its bytes.
    #[must_use]
    pub fn new(landing: LandingKey, content: ContentHash, bytes: Vec<u8>) -> Self {
        let file_hash = ContentHash::of_bytes(&bytes).to_string();
        Self { landing, content, bytes, file_hash }
    }
}

impl Lake {
    /// The lake in `bucket`.
    #[must_use]
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// A key's URI.
    #[must_use]
    pub fn uri(&self, key: &impl Display) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// A landing object's bytes, or `None` if it is gone.
    ///
    /// # Errors
    /// If it cannot be read, or is too large to be a portfolio.
    pub async fn read_landing(&self, key: &LandingKey) -> Result<Option<Vec<u8>>, WriteError> {
        let object = self.uri(key);
        let request = self.client.get_object().bucket(&self.bucket).key(key.to_string());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = CallError::from_sdk("GetObject", &object, &error);
                return match error.cause {
                    Cause::NotFound => Ok(None),
                    _ => Err(error.into()),
                };
            }
        };
        let absent = || CallError::incomplete("GetObject", &object, "length");
        let size_bytes = answer.content_length().ok_or_else(absent)?;
        if size_bytes > MAX_LANDING_BYTES {
            return Err(WriteError::TooLarge { object, size_bytes });
        }
        let body = answer.body.collect().await;
        let body = body.map_err(|error| CallError::interrupted("GetObject", &object, &error))?;
        Ok(Some(body.to_vec()))
    }

    /// What HEAD says about a date's raw object, or `None` if there is none.
    ///
    /// # Errors
    /// If S3 does not say.
    pub async fn head_raw(&self, key: &RawKey) -> Result<Option<Recorded>, CallError> {
        let request = self.client.head_object().bucket(&self.bucket).key(key.to_string());
        match request.send().await {
            Ok(head) => {
                let metadata = |name| head.metadata().and_then(|all| all.get(name)).cloned();
                let absent = || CallError::incomplete("HeadObject", &self.uri(key), "ETag");
                Ok(Some(Recorded {
                    etag: head.e_tag().map(str::to_owned).ok_or_else(absent)?,
                    landing: metadata(LANDING_KEY).and_then(|key| key.parse().ok()),
                    file_hash: metadata(FILE_SHA256),
                }))
            }
            Err(error) => {
                let error = CallError::from_sdk("HeadObject", &self.uri(key), &error);
                match error.cause {
                    Cause::NotFound => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// Writes a raw file if the condition holds; `false` if it does not.
    ///
    /// # Errors
    /// If S3 does not say which.
    pub async fn write_raw(
        &self,
        key: &RawKey,
        file: &RawFile,
        condition: &Condition,
    ) -> Result<bool, CallError> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .content_type("application/vnd.apache.parquet")
            .metadata(LANDING_KEY, file.landing.to_string())
            .metadata(CONTENT_SHA256, file.content.to_string())
            .metadata(FILE_SHA256, &file.file_hash)
            .body(ByteStream::from(file.bytes.clone()));
        let request = match condition {
            Condition::StillAbsent => request.if_none_match("*"),
            Condition::StillETag(etag) => request.if_match(etag),
        };
        match failpoint::around("put-raw", request.send()).await {
            Ok(_) => Ok(true),
            Err(error) => {
                let error = CallError::from_sdk("PutObject", &self.uri(key), &error);
                match error.cause {
                    // Written, or deleted, by somebody else since HEAD.
                    Cause::Conflict | Cause::NotFound => Ok(false),
                    _ => Err(error),
                }
            }
        }
    }
}
