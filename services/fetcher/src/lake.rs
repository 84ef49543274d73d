//! The fetcher's side of the lake: landing/ and rejected/.

use std::fmt::Display;

use aws_sdk_s3::{Client, primitives::ByteStream};
use shared::{
    aws::CallError,
    failpoint,
    lake::{LandingKey, RejectedKey, Stamp},
    landing::{Envelope, Rejection},
    portfolio::{ContentHash, IndexCode},
};

use crate::error::FetchError;

#[derive(Clone, Debug)]
pub(crate) struct Lake {
    client: Client,
    bucket: String,
}

impl Lake {
    pub(crate) fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    pub(crate) fn uri(&self, key: &impl Display) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// The newest landing object of one index and date.
    pub(crate) async fn newest_landing(
        &self,
        index: &IndexCode,
        date: chrono::NaiveDate,
    ) -> Result<Option<LandingKey>, CallError> {
        let prefix = LandingKey::prefix_of(index, date);
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&prefix)
            .into_paginator()
            .send();
        let mut newest: Option<LandingKey> = None;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                CallError::from_sdk("ListObjectsV2", &self.uri(&prefix), &error)
            })?;
            let keys = page.contents().iter().filter_map(|object| object.key()?.parse().ok());
            newest = newest
                .into_iter()
                .chain(keys)
                .max_by(|one: &LandingKey, other| one.stamp.cmp(&other.stamp));
        }
        Ok(newest)
    }

    /// Writes a landing object, which must not exist yet, and gives its size in bytes.
    pub(crate) async fn write_landing(
        &self,
        key: &LandingKey,
        envelope: &Envelope,
    ) -> Result<usize, FetchError> {
        self.write("put-landing", &key.to_string(), serde_json::to_vec(envelope)?).await
    }

    /// Writes an answer that does not become data, with the reason.
    pub(crate) async fn write_rejected(
        &self,
        envelope: Envelope,
        rejection: Rejection,
    ) -> Result<RejectedKey, FetchError> {
        let content = ContentHash::of_bytes(envelope.pages.concat().as_bytes());
        let key = RejectedKey {
            index: envelope.request.index.clone(),
            stamp: Stamp::new(envelope.fetched_at, content),
        };
        let envelope = Envelope { rejection: Some(rejection), ..envelope };
        self.write("put-rejected", &key.to_string(), serde_json::to_vec(&envelope)?).await?;
        Ok(key)
    }

    async fn write(
        &self,
        effect: &'static str,
        key: &str,
        body: Vec<u8>,
    ) -> Result<usize, FetchError> {
        let size = body.len();
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("application/json")
            .if_none_match("*")
            .body(ByteStream::from(body));
        failpoint::around(effect, request.send())
            .await
            .map_err(|error| CallError::from_sdk("PutObject", &self.uri(&key), &error))?;
        Ok(size)
    }
}
