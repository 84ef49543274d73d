//! The refine state's objects in the lake's bucket.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::{Client, operation::head_object::HeadObjectOutput, primitives::ByteStream};
use chrono::NaiveDate;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    control::{Control, Done, Raw, RawFile, Source, Version},
    lock::Lock,
};
use crate::{
    aws::{CallError, Cause},
    failpoint,
    lake::{FileName, LandingKey, RawKey, Stamp},
    parquet::{CONTENT_SHA256, CONTENT_SINCE, LANDING_KEY},
};

/// The refine state in a bucket.
#[derive(Clone, Debug)]
pub struct S3Control {
    client: Client,
    bucket: String,
    file_name: FileName,
}

const ACTIVE: &str = "control/refine/active.json";
const PENDING: &str = "control/refine/pending/";

fn pending_key(date: NaiveDate, stamp: &Stamp) -> String {
    format!("{PENDING}date={date}/{stamp}")
}

fn parse_pending(key: &str) -> Option<(NaiveDate, Stamp)> {
    let (date, stamp) = key.strip_prefix(PENDING)?.strip_prefix("date=")?.split_once('/')?;
    let (date, stamp) = (date.parse().ok()?, stamp.parse().ok()?);
    (pending_key(date, &stamp) == key).then_some((date, stamp))
}

fn done_key(date: NaiveDate) -> String {
    format!("control/refine/done/date={date}.json")
}

fn told_key(run_id: &str) -> String {
    format!("control/refine/told/{run_id}")
}

impl S3Control {
    /// The state in `bucket`, where raw files are called `file_name`.
    #[must_use]
    pub fn new(client: Client, bucket: String, file_name: FileName) -> Self {
        Self { client, bucket, file_name }
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// A key's URI.
    #[must_use]
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, String)>, CallError> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = CallError::from_sdk("GetObject", &self.uri(key), &error);
                return match error.cause {
                    Cause::NotFound => Ok(None),
                    _ => Err(error),
                };
            }
        };
        let etag = self.etag("GetObject", key, answer.e_tag())?;
        let body = answer.body.collect().await;
        let body =
            body.map_err(|error| CallError::interrupted("GetObject", &self.uri(key), &error))?;
        let value = serde_json::from_slice(&body.into_bytes()).map_err(|error| {
            CallError::unusable(
                "GetObject",
                &self.uri(key),
                &format!("the object is not what this version of the pipeline writes ({error}); delete it, and what it stood for is found again"),
            )
        })?;
        Ok(Some((value, etag)))
    }

    async fn head(&self, key: &str) -> Result<Option<HeadObjectOutput>, CallError> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(head) => Ok(Some(head)),
            Err(error) => {
                let error = CallError::from_sdk("HeadObject", &self.uri(key), &error);
                match error.cause {
                    Cause::NotFound => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// The lock is written on conditions only, and these are ETags.
    fn etag(
        &self,
        operation: &'static str,
        key: &str,
        etag: Option<&str>,
    ) -> Result<String, CallError> {
        let absent = || CallError::incomplete(operation, &self.uri(key), "ETag");
        etag.map(str::to_owned).ok_or_else(absent)
    }

    fn body(value: &impl Serialize) -> Result<ByteStream, CallError> {
        let body = serde_json::to_vec(value);
        body.map(ByteStream::from).map_err(|error| CallError::not_sent("PutObject", &error))
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key);
        let answer = request.send().await;
        answer.map_err(|error| CallError::from_sdk("DeleteObject", &self.uri(key), &error))?;
        Ok(())
    }
}

impl Control for S3Control {
    async fn raw(&self, date: NaiveDate) -> Result<RawFile, CallError> {
        let key = RawKey { date, file_name: self.file_name.clone() }.to_string();
        let Some(head) = self.head(&key).await? else { return Ok(RawFile::Absent) };
        let said = |name| head.metadata().and_then(|metadata| metadata.get(name));
        let Some(landing_key) = said(LANDING_KEY).and_then(|key| key.parse::<LandingKey>().ok())
        else {
            return Ok(RawFile::Foreign { object: self.uri(&key) });
        };
        let stamp = &landing_key.stamp;
        let content = said(CONTENT_SHA256).and_then(|hash| hash.parse().ok());
        let content = content.unwrap_or_else(|| stamp.content.clone());
        let since = said(CONTENT_SINCE).and_then(|since| since.parse().ok());
        let content_since = since.unwrap_or_else(|| stamp.clone());
        Ok(RawFile::Ours(Raw { source: Source { landing_key, content }, content_since }))
    }

    async fn pendings(&self) -> Result<BTreeMap<NaiveDate, BTreeSet<Stamp>>, CallError> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(PENDING);
        let mut pages = request.into_paginator().send();
        let mut pendings: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                CallError::from_sdk("ListObjectsV2", &self.uri(PENDING), &error)
            })?;
            for object in page.contents() {
                if let Some((date, stamp)) = object.key().and_then(parse_pending) {
                    pendings.entry(date).or_default().insert(stamp);
                }
            }
        }
        Ok(pendings)
    }

    async fn add_pending(&self, date: NaiveDate, stamp: &Stamp) -> Result<(), CallError> {
        let key = pending_key(date, stamp);
        let request = self.client.put_object().bucket(&self.bucket).key(&key);
        let answer = failpoint::around("add-pending", request.send()).await;
        answer.map_err(|error| CallError::from_sdk("PutObject", &self.uri(&key), &error))?;
        Ok(())
    }

    async fn delete_pending(&self, date: NaiveDate, stamp: &Stamp) -> Result<(), CallError> {
        failpoint::around("delete-pending", self.delete(&pending_key(date, stamp))).await
    }

    async fn done(&self, date: NaiveDate) -> Result<Option<Done>, CallError> {
        Ok(self.read(&done_key(date)).await?.map(|(done, _)| done))
    }

    async fn set_done(&self, date: NaiveDate, done: &Done) -> Result<(), CallError> {
        let key = done_key(date);
        let request = self.client.put_object().bucket(&self.bucket).key(&key);
        let request = request.content_type("application/json").body(Self::body(done)?);
        let answer = failpoint::around("set-done", request.send()).await;
        answer.map_err(|error| CallError::from_sdk("PutObject", &self.uri(&key), &error))?;
        Ok(())
    }

    async fn forget_done(&self, date: NaiveDate) -> Result<(), CallError> {
        failpoint::around("forget-done", self.delete(&done_key(date))).await
    }

    async fn is_told(&self, run_id: &str) -> Result<bool, CallError> {
        Ok(self.head(&told_key(run_id)).await?.is_some())
    }

    async fn set_told(&self, run_id: &str) -> Result<(), CallError> {
        let key = told_key(run_id);
        let request = self.client.put_object().bucket(&self.bucket).key(&key);
        let answer = failpoint::around("set-told", request.send()).await;
        answer.map_err(|error| CallError::from_sdk("PutObject", &self.uri(&key), &error))?;
        Ok(())
    }

    async fn lock(&self) -> Result<(Lock, Version), CallError> {
        Ok(match self.read(ACTIVE).await? {
            Some((lock, etag)) => (lock, Version::ETag(etag)),
            None => (Lock::default(), Version::Absent),
        })
    }

    async fn write_lock(
        &self,
        lock: &Lock,
        version: &Version,
    ) -> Result<Option<Version>, CallError> {
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(ACTIVE)
            .content_type("application/json")
            .body(Self::body(lock)?);
        let request = match version {
            Version::Absent => request.if_none_match("*"),
            Version::ETag(etag) => request.if_match(etag),
        };
        match failpoint::around("write-lock", request.send()).await {
            Ok(written) => {
                let etag = self.etag("PutObject", ACTIVE, written.e_tag())?;
                Ok(Some(Version::ETag(etag)))
            }
            Err(error) => {
                let error = CallError::from_sdk("PutObject", &self.uri(ACTIVE), &error);
                match error.cause {
                    Cause::Conflict | Cause::NotFound => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_keys_survive_printing() {
        let key = "control/refine/pending/date=2026-11-20/20261120T130003.123Z-0123456789abcdef";
        let (date, stamp) = parse_pending(key).unwrap();
        assert_eq!(pending_key(date, &stamp), key);
        for bad in ["", "control/refine/pending/", "control/refine/pending/date=2026-11-20/x"] {
            assert_eq!(parse_pending(bad), None, "{bad}");
        }
    }
}
