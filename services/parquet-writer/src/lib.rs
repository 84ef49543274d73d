//! Turns a landing object into the raw Parquet file of its date.
//!
//! A date may have several landing objects, and their events may be duplicated, late or out of order: the newest
//! landing object wins, whichever writer comes last (see [`mod@decision`]).

mod decision;
mod error;

use shared::{
    aws::{Bucket, CallError, Cause, Condition, Get, NewObject, S3Bucket},
    events::{CreatedObject, S3Message},
    failpoint,
    keys::{FileName, LandingKey, RawKey},
    landing::{Envelope, MAX_LANDING_BYTES},
    portfolio::{ContentHash, Portfolio},
    queues::Message,
    raw::{self, RawMetadata},
    settings::{Environment, SettingError},
    stage::{Batch, Connections, Decoded, Failed, Handler, Outcome},
    values::{IndexCode, Segment},
};

use decision::Decision;
pub use error::WriteError;

pub struct ParquetWriter<B = S3Bucket> {
    /// `INDEX`: the one index that this stack serves.
    index: IndexCode,
    /// `SEGMENT`: the same as the fetcher's.
    segment: Segment,
    /// `FILENAME`: the name of the raw file in each partition.
    file_name: FileName,
    /// `S3_BUCKET`.
    bucket: B,
}

impl Handler for ParquetWriter {
    const STAGE: &'static str = "parquet";
    type Task = CreatedObject;
    type Error = WriteError;

    async fn from_environment(
        environment: &Environment,
        connections: &Connections,
    ) -> Result<Self, SettingError> {
        Ok(Self {
            index: environment.required("INDEX")?,
            segment: environment.or("SEGMENT", Segment::BySector)?,
            file_name: environment.required("FILENAME")?,
            bucket: S3Bucket::new(&connections.sdk, environment.required("S3_BUCKET")?),
        })
    }

    fn decode(&self, message: &Message) -> Decoded<CreatedObject, WriteError> {
        Ok(match S3Message::parse(&message.body, self.bucket.name())? {
            S3Message::Test => vec![],
            S3Message::Created(records) => {
                records.into_iter().map(|record| record.map_err(WriteError::from)).collect()
            }
        })
    }

    async fn perform(&self, batch: Batch<'_, CreatedObject>) -> Vec<Result<Outcome, Failed>> {
        /// As many landing objects as fit into the function's memory.
        const AT_ONCE: usize = 10;
        batch.each(AT_ONCE, async |object| self.write(&object).await).await
    }
}

impl<B: Bucket> ParquetWriter<B> {
    async fn write(&self, object: &CreatedObject) -> Result<Outcome, WriteError> {
        let landing: LandingKey = object.key.parse()?;
        let body = match self.bucket.get(&object.key, MAX_LANDING_BYTES).await? {
            Get::Bytes(bytes) => bytes,
            Get::Absent => return Ok(Outcome::NothingToDo("object gone")),
            Get::TooLarge { size_bytes } => {
                let object = self.bucket.uri(&landing);
                return Err(WriteError::TooLarge { object, size_bytes });
            }
        };
        let portfolio = self.portfolio(&landing, &body)?;
        let content = ContentHash::of(&portfolio);
        let file = raw::encode_hashed(&portfolio, &content, &landing)?;
        let raw = RawKey { date: landing.date, file_name: self.file_name.clone() };
        let metadata = RawMetadata::of(content, landing, &file);
        let size_bytes = file.len();
        let outcome = self.replace_if_newer(&raw, &metadata, file).await?;
        if outcome == Outcome::Done {
            tracing::info!(
                raw_key = %raw, landing_key = %metadata.landing,
                content_hash = metadata.content.as_ref().map(ToString::to_string),
                size_bytes, constituents = portfolio.constituents.len(), "raw file written"
            );
        }
        Ok(outcome)
    }

    fn portfolio(&self, landing: &LandingKey, body: &[u8]) -> Result<Portfolio, WriteError> {
        let object = self.bucket.uri(landing);
        let unreadable = |source| WriteError::Unreadable { object: object.clone(), source };
        let envelope = Envelope::parse(body).map_err(unreadable)?;
        let (portfolio, _) = envelope.portfolio().map_err(unreadable)?;
        let found = (&portfolio.index, portfolio.segment, portfolio.date);
        if found != (&self.index, self.segment, landing.date) || portfolio.index != landing.index {
            let (index, segment, date) = found;
            let found = format!("{index} with segment {segment} of {date}");
            return Err(WriteError::Misplaced { object, found });
        }
        Ok(portfolio)
    }

    async fn replace_if_newer(
        &self,
        raw: &RawKey,
        metadata: &RawMetadata,
        file: Vec<u8>,
    ) -> Result<Outcome, WriteError> {
        /// After a lost race, another writer was faster. More than a few in a row mean a bug.
        const MAX_RACES: u32 = 8;
        let key = raw.to_string();
        let object = NewObject {
            bytes: file,
            content_type: Some("application/vnd.apache.parquet"),
            metadata: metadata.to_map(),
        };
        // Most dates are new: the raw object is looked at only if there is one.
        let mut condition = Condition::Absent;
        for _ in 0..=MAX_RACES {
            let put = self.bucket.put(&key, object.clone(), &condition);
            match failpoint::around("put-raw", put).await {
                Ok(()) => return Ok(Outcome::Done),
                // There is an object, or another writer has written or deleted it since HEAD.
                Err(CallError { cause: Cause::Conflict | Cause::NotFound, .. }) => {}
                Err(error) => return Err(error.into()),
            }
            condition = match decision::decide(self.bucket.head(&key).await?, metadata) {
                Decision::Write(condition) => condition,
                Decision::AlreadyWritten => return Ok(Outcome::NothingToDo("already written")),
                Decision::Older => return Ok(Outcome::NothingToDo("older than the raw file")),
            };
        }
        Err(WriteError::Contended { object: self.bucket.uri(raw) })
    }
}

#[cfg(test)]
mod tests;
