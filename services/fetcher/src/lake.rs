//! The fetcher's side of the lake: landing/ and rejected/.

use std::fmt::Display;

use aws_sdk_s3::{Client, primitives::ByteStream};
use chrono::NaiveDate;
use shared::{
    aws::{CallError, Cause},
    failpoint,
    lake::{LandingKey, RejectedKey, Stamp},
    landing::{Envelope, MAX_LANDING_BYTES, Rejection},
    portfolio::{ContentHash, IndexCode, Portfolio},
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

    /// The landing objects of one index from a date on: the latest date first, and of each date the newest.
    pub(crate) async fn landings_since(
        &self,
        index: &IndexCode,
        date: NaiveDate,
    ) -> Result<Vec<LandingKey>, CallError> {
        let prefix = LandingKey::prefix_of_index(index);
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&prefix)
            .start_after(LandingKey::prefix_of(index, date))
            .into_paginator()
            .send();
        let mut found: Vec<LandingKey> = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                CallError::from_sdk("ListObjectsV2", &self.uri(&prefix), &error)
            })?;
            found.extend(page.contents().iter().filter_map(|object| object.key()?.parse().ok()));
        }
        found.sort_by(|one, other| (other.date, &other.stamp).cmp(&(one.date, &one.stamp)));
        Ok(found)
    }

    /// The portfolio of a landing object, or `None`, with a word about it in the log, if it is no use.
    pub(crate) async fn portfolio(&self, key: &LandingKey) -> Result<Option<Portfolio>, CallError> {
        let object = self.uri(key);
        let request = self.client.get_object().bucket(&self.bucket).key(key.to_string());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = CallError::from_sdk("GetObject", &object, &error);
                return match error.cause {
                    Cause::NotFound => Ok(None),
                    _ => Err(error),
                };
            }
        };
        let body = match answer.content_length() {
            Some(size) if size <= MAX_LANDING_BYTES => answer.body.collect().await,
            size => {
                tracing::warn!(
                    object,
                    size_bytes = size,
                    "a landing object cannot be read as a portfolio"
                );
                return Ok(None);
            }
        };
        let body = body.map_err(|error| CallError::interrupted("GetObject", &object, &error))?;
        match Envelope::parse(&body.into_bytes()).and_then(|envelope| envelope.portfolio()) {
            Ok((portfolio, _)) => Ok(Some(portfolio)),
            Err(error) => {
                tracing::warn!(object, %error, "a landing object cannot be read as a portfolio");
                Ok(None)
            }
        }
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
