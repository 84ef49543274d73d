//! The fetcher's objects in the bucket: landing/ and rejected/.

use chrono::NaiveDate;
use shared::{
    aws::{Bucket, CallError, Condition, Get, NewObject},
    failpoint,
    keys::{LandingKey, RejectedKey, Stamp},
    landing::{Envelope, MAX_LANDING_BYTES, Rejection},
    portfolio::{ContentHash, Portfolio},
    values::IndexCode,
};

use crate::error::FetchError;

pub(crate) struct LandingStore<B> {
    pub(crate) bucket: B,
}

impl<B: Bucket> LandingStore<B> {
    /// The landing objects of an index from a date on, the latest date first, and the newest first within a date.
    pub(crate) async fn landings_since(
        &self,
        index: &IndexCode,
        date: NaiveDate,
    ) -> Result<Vec<LandingKey>, CallError> {
        let prefix = LandingKey::prefix_of_index(index);
        let after = LandingKey::prefix_of(index, date);
        let found = self.bucket.list(&prefix, Some(&after)).await?;
        let found = found.iter().filter_map(|object| object.key.parse().ok());
        let mut found: Vec<LandingKey> = found.collect();
        found.sort_by(|one, other| (other.date, &other.stamp).cmp(&(one.date, &one.stamp)));
        Ok(found)
    }

    /// The portfolio of a landing object. `None` if the object is gone, or, with a warning in the log, unreadable.
    pub(crate) async fn portfolio(&self, key: &LandingKey) -> Result<Option<Portfolio>, CallError> {
        const UNREADABLE: &str = "a landing object cannot be read as a portfolio";
        let object = self.bucket.uri(key);
        let body = match self.bucket.get(&key.to_string(), MAX_LANDING_BYTES).await? {
            Get::Bytes(bytes) => bytes,
            Get::Absent => return Ok(None),
            Get::TooLarge { size_bytes } => {
                tracing::warn!(object, size_bytes, UNREADABLE);
                return Ok(None);
            }
        };
        match Envelope::parse(&body).and_then(|envelope| envelope.portfolio()) {
            Ok((portfolio, _)) => Ok(Some(portfolio)),
            Err(error) => {
                tracing::warn!(object, %error, UNREADABLE);
                Ok(None)
            }
        }
    }

    /// Writes a landing object, which must not exist yet. Returns the size in bytes.
    pub(crate) async fn write_landing(
        &self,
        key: &LandingKey,
        envelope: &Envelope,
    ) -> Result<usize, FetchError> {
        self.write("put-landing", &key.to_string(), envelope).await
    }

    /// Writes a refused answer with the reason.
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
        self.write("put-rejected", &key.to_string(), &envelope).await?;
        Ok(key)
    }

    async fn write(
        &self,
        effect: &'static str,
        key: &str,
        envelope: &Envelope,
    ) -> Result<usize, FetchError> {
        let bytes = serde_json::to_vec(envelope)?;
        let size_bytes = bytes.len();
        let content_type = Some("application/json");
        let object = NewObject { bytes, content_type, ..NewObject::default() };
        failpoint::around(effect, self.bucket.put(key, object, &Condition::Absent)).await?;
        Ok(size_bytes)
    }
}
