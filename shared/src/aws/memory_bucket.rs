//! A bucket in memory for unit tests, with conditional writes as in S3.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};

use super::{Bucket, CallError, Cause, Condition, ETag, Get, Head, Listed, NewObject};

#[derive(Clone, Debug, Default)]
pub struct MemoryBucket {
    objects: Arc<Mutex<BTreeMap<String, Stored>>>,
}

#[derive(Clone, Debug)]
struct Stored {
    bytes: Vec<u8>,
    metadata: HashMap<String, String>,
    etag: ETag,
}

impl MemoryBucket {
    /// The ETag of an object with these bytes.
    pub fn etag(bytes: &[u8]) -> ETag {
        ETag::new(
            &Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        )
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(operation: &'static str, key: &str, cause: Cause) -> CallError {
    CallError::new(operation, key, cause, "the condition does not hold")
}

impl Bucket for MemoryBucket {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, CallError> {
        let objects = self.objects();
        let found = objects.iter().filter(|(key, _)| {
            key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        });
        let listed = found.map(|(key, Stored { bytes, etag, .. })| Listed {
            key: key.clone(),
            etag: etag.clone(),
            is_empty: bytes.is_empty(),
        });
        Ok(listed.collect())
    }

    async fn get(&self, key: &str, max_bytes: i64) -> Result<Get, CallError> {
        Ok(match self.objects().get(key) {
            None => Get::Absent,
            Some(Stored { bytes, .. }) => match i64::try_from(bytes.len()).unwrap_or(i64::MAX) {
                size_bytes if size_bytes > max_bytes => Get::TooLarge { size_bytes },
                _ => Get::Bytes(bytes.clone()),
            },
        })
    }

    async fn head(&self, key: &str) -> Result<Option<Head>, CallError> {
        let objects = self.objects();
        let head = |Stored { etag, metadata, .. }: &Stored| Head {
            etag: etag.clone(),
            metadata: metadata.clone(),
        };
        Ok(objects.get(key).map(head))
    }

    async fn put(
        &self,
        key: &str,
        object: NewObject,
        condition: &Condition,
    ) -> Result<(), CallError> {
        let mut objects = self.objects();
        match (condition, objects.get(key)) {
            (Condition::Always, _) | (Condition::Absent, None) => {}
            (Condition::Unchanged(etag), Some(stored)) if *etag == stored.etag => {}
            (Condition::Unchanged(_), None) => {
                return Err(refused("PutObject", key, Cause::NotFound));
            }
            (Condition::Absent | Condition::Unchanged(_), Some(_)) => {
                return Err(refused("PutObject", key, Cause::Conflict));
            }
        }
        let NewObject { bytes, metadata, .. } = object;
        let etag = Self::etag(&bytes);
        objects.insert(key.to_owned(), Stored { bytes, metadata, etag });
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        self.objects().remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(bucket: &MemoryBucket, text: &str, condition: Condition) -> Result<(), Cause> {
        let written = bucket.put("key", text.into(), &condition).await;
        written.map_err(|error| error.cause)
    }

    #[tokio::test]
    async fn conditions_are_honoured() {
        let bucket = MemoryBucket::default();
        let first = MemoryBucket::etag(b"first");
        let unchanged = || Condition::Unchanged(first.clone());
        assert_eq!(put(&bucket, "second", unchanged()).await, Err(Cause::NotFound));
        assert_eq!(put(&bucket, "first", Condition::Absent).await, Ok(()));
        assert_eq!(put(&bucket, "second", Condition::Absent).await, Err(Cause::Conflict));
        assert_eq!(put(&bucket, "second", unchanged()).await, Ok(()));
        assert_eq!(put(&bucket, "third", unchanged()).await, Err(Cause::Conflict));
        assert_eq!(put(&bucket, "third", Condition::Always).await, Ok(()));
        assert_eq!(bucket.get("key", 5).await.unwrap(), Get::Bytes(b"third".to_vec()));
        assert_eq!(bucket.get("key", 4).await.unwrap(), Get::TooLarge { size_bytes: 5 });
        bucket.delete("key").await.unwrap();
        assert_eq!(bucket.get("key", 5).await.unwrap(), Get::Absent);
    }

    #[tokio::test]
    async fn listings_are_ordered_and_begin_after_a_key() {
        let bucket = MemoryBucket::default();
        for key in ["b/2", "a/1", "b/1", "c/1"] {
            bucket.put(key, "".into(), &Condition::Always).await.unwrap();
        }
        let listed = bucket.list("b/", None).await.unwrap();
        assert_eq!(
            listed.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(),
            ["b/1", "b/2"]
        );
        assert!(listed.iter().all(|object| object.is_empty));
        assert_eq!(bucket.list("b/", Some("b/1")).await.unwrap().len(), 1);
    }
}
