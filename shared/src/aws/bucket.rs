//! Objects in a bucket.

use aws_sdk_s3::{Client, primitives::ByteStream};

use super::{CallError, Cause};

/// Objects under keys: those of a bucket, or what a test puts in its place. Each method is one call.
#[expect(async_fn_in_trait, reason = "callers that spawn know the concrete type")]
pub trait Objects: Sync {
    /// The objects whose keys begin so.
    async fn list(&self, prefix: &str) -> Result<Vec<Object>, CallError>;
    /// Writes an object unless there is one; `false` if there is.
    async fn create(&self, key: &str, body: &str) -> Result<bool, CallError>;
    /// Writes an object.
    async fn put(&self, key: &str, body: &str) -> Result<(), CallError>;
    /// An object's bytes.
    async fn read(&self, key: &str) -> Result<Vec<u8>, CallError>;
    /// Deletes an object, if there is one.
    async fn delete(&self, key: &str) -> Result<(), CallError>;
}

/// An object that was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its version.
    pub etag: String,
    /// Whether it has no bytes.
    pub is_empty: bool,
}

/// A bucket of S3.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket of that name.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A key's URI.
    #[must_use]
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }
}

impl Objects for Bucket {
    async fn list(&self, prefix: &str) -> Result<Vec<Object>, CallError> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page
                .map_err(|error| CallError::from_sdk("ListObjectsV2", &self.uri(prefix), &error))?;
            found.extend(page.contents().iter().filter_map(|object| {
                // Between quotes, as in every answer of S3's but its keys.
                let etag = object.e_tag()?.trim_matches('"').to_owned();
                let is_empty = object.size() == Some(0);
                Some(Object { key: object.key()?.to_owned(), etag, is_empty })
            }));
        }
        Ok(found)
    }

    async fn create(&self, key: &str, body: &str) -> Result<bool, CallError> {
        let request = self.client.put_object().bucket(&self.name).key(key).if_none_match("*");
        let answer = request.body(ByteStream::from(body.as_bytes().to_vec())).send().await;
        match answer.map_err(|error| CallError::from_sdk("PutObject", &self.uri(key), &error)) {
            Ok(_) => Ok(true),
            Err(error) if error.cause == Cause::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, key: &str, body: &str) -> Result<(), CallError> {
        let request = self.client.put_object().bucket(&self.name).key(key);
        let answer = request.body(ByteStream::from(body.as_bytes().to_vec())).send().await;
        answer.map_err(|error| CallError::from_sdk("PutObject", &self.uri(key), &error))?;
        Ok(())
    }

    async fn read(&self, key: &str) -> Result<Vec<u8>, CallError> {
        let answer = self.client.get_object().bucket(&self.name).key(key).send().await;
        let answer =
            answer.map_err(|error| CallError::from_sdk("GetObject", &self.uri(key), &error))?;
        let body = answer.body.collect().await;
        let body =
            body.map_err(|error| CallError::interrupted("GetObject", &self.uri(key), &error))?;
        Ok(body.to_vec())
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        let answer = self.client.delete_object().bucket(&self.name).key(key).send().await;
        answer.map_err(|error| CallError::from_sdk("DeleteObject", &self.uri(key), &error))?;
        Ok(())
    }
}
