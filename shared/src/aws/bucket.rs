//! Objects in an S3 bucket.

use std::{collections::HashMap, fmt};

use aws_config::SdkConfig;
use aws_sdk_s3::{Client, config, primitives::ByteStream};

use super::{CallError, Cause, config::has_own_endpoint};

/// Identifies a version of an object. Without quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(String);

impl ETag {
    /// Removes the quotes that S3 puts around an ETag.
    pub fn new(text: &str) -> Self {
        Self(text.trim_matches('"').to_owned())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub etag: ETag,
    pub is_empty: bool,
}

/// The answer to HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub etag: ETag,
    pub metadata: HashMap<String, String>,
}

/// The answer to GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Get {
    Bytes(Vec<u8>),
    Absent,
    TooLarge { size_bytes: i64 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewObject {
    pub bytes: Vec<u8>,
    pub content_type: Option<&'static str>,
    pub metadata: HashMap<String, String>,
}

impl From<&str> for NewObject {
    fn from(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), ..Self::default() }
    }
}

/// The condition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Always,
    /// There is no object.
    Absent,
    /// The object still has this version.
    Unchanged(ETag),
}

/// A bucket in S3, or [`MemoryBucket`](super::MemoryBucket) in tests. Each method is one operation.
#[expect(async_fn_in_trait, reason = "nothing is spawned")]
pub trait Bucket {
    fn name(&self) -> &str;

    fn uri(&self, key: &impl fmt::Display) -> String {
        format!("s3://{}/{key}", self.name())
    }

    /// The objects whose keys begin with `prefix` and, if given, come after `after`.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, CallError>;

    /// Reads an object of at most `max_bytes`.
    async fn get(&self, key: &str, max_bytes: i64) -> Result<Get, CallError>;

    /// `None` if there is no object.
    async fn head(&self, key: &str) -> Result<Option<Head>, CallError>;

    /// Writes an object. If the condition does not hold, the error is [`Cause::Conflict`], or [`Cause::NotFound`] for
    /// [`Condition::Unchanged`] without an object.
    async fn put(
        &self,
        key: &str,
        object: NewObject,
        condition: &Condition,
    ) -> Result<(), CallError>;

    /// Succeeds also without an object.
    async fn delete(&self, key: &str) -> Result<(), CallError>;
}

#[derive(Clone, Debug)]
pub struct S3Bucket {
    client: Client,
    name: String,
}

impl S3Bucket {
    pub fn new(sdk: &SdkConfig, name: String) -> Self {
        // Outside AWS, buckets have no host names of their own: the bucket goes into the path.
        let config = config::Builder::from(sdk).force_path_style(has_own_endpoint(sdk, "S3"));
        Self { client: Client::from_conf(config.build()), name }
    }
}

impl Bucket for S3Bucket {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, CallError> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        let request = request.set_start_after(after.map(str::to_owned));
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page
                .map_err(|error| CallError::from_sdk("ListObjectsV2", &self.uri(&prefix), error))?;
            found.extend(page.contents().iter().filter_map(|object| {
                let (key, etag) = (object.key()?.to_owned(), ETag::new(object.e_tag()?));
                Some(Listed { key, etag, is_empty: object.size() == Some(0) })
            }));
        }
        Ok(found)
    }

    async fn get(&self, key: &str, max_bytes: i64) -> Result<Get, CallError> {
        let object = self.uri(&key);
        let answer = self.client.get_object().bucket(&self.name).key(key).send().await;
        let answer = match answer.map_err(|error| CallError::from_sdk("GetObject", &object, error))
        {
            Ok(answer) => answer,
            Err(error) if error.cause == Cause::NotFound => return Ok(Get::Absent),
            Err(error) => return Err(error),
        };
        match answer.content_length() {
            None => Err(CallError::incomplete("GetObject", &object, "length")),
            Some(size_bytes) if size_bytes > max_bytes => Ok(Get::TooLarge { size_bytes }),
            Some(_) => match answer.body.collect().await {
                // Without a copy if the body came in one piece.
                Ok(body) => Ok(Get::Bytes(body.into_bytes().into())),
                Err(error) => Err(CallError::new("GetObject", &object, Cause::Unavailable, error)),
            },
        }
    }

    async fn head(&self, key: &str) -> Result<Option<Head>, CallError> {
        let object = self.uri(&key);
        let answer = self.client.head_object().bucket(&self.name).key(key).send().await;
        match answer.map_err(|error| CallError::from_sdk("HeadObject", &object, error)) {
            Ok(answer) => {
                let absent = || CallError::incomplete("HeadObject", &object, "ETag");
                let etag = ETag::new(answer.e_tag().ok_or_else(absent)?);
                Ok(Some(Head { etag, metadata: answer.metadata.unwrap_or_default() }))
            }
            Err(error) if error.cause == Cause::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(
        &self,
        key: &str,
        object: NewObject,
        condition: &Condition,
    ) -> Result<(), CallError> {
        let NewObject { bytes, content_type, metadata } = object;
        let request = self.client.put_object().bucket(&self.name).key(key);
        let request = match condition {
            Condition::Always => request,
            Condition::Absent => request.if_none_match("*"),
            Condition::Unchanged(etag) => request.if_match(format!("\"{etag}\"")),
        };
        let request = request.set_content_type(content_type.map(str::to_owned));
        let request = request.set_metadata((!metadata.is_empty()).then_some(metadata));
        let answer = request.body(ByteStream::from(bytes)).send().await;
        answer.map_err(|error| CallError::from_sdk("PutObject", &self.uri(&key), error))?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        let answer = self.client.delete_object().bucket(&self.name).key(key).send().await;
        answer.map_err(|error| CallError::from_sdk("DeleteObject", &self.uri(&key), error))?;
        Ok(())
    }
}
