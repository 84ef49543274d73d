use std::cell::Cell;

use shared::{
    aws::{Condition, Head, Listed, MemoryBucket},
    b3::PageRequest,
    failure::{Code, StageError as _},
    keys::Stamp,
    portfolio::ContentHash,
};

use super::*;

/// A bucket in which another writer is faster before some of the writes.
#[derive(Default)]
struct ContendedBucket {
    memory: MemoryBucket,
    /// How many of the next writes are preceded by another writer's.
    races: Cell<u32>,
    /// What the other writer does.
    other: Cell<Other>,
    /// How often the raw object was looked at.
    heads: Cell<u32>,
}

#[derive(Clone, Copy, Default)]
enum Other {
    #[default]
    WritesForeignBytes,
    WritesNewer,
    /// Only after this writer has seen the object.
    Deletes,
}

impl Bucket for ContendedBucket {
    fn name(&self) -> &str {
        self.memory.name()
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Listed>, CallError> {
        self.memory.list(prefix, after).await
    }

    async fn get(&self, key: &str, max_bytes: i64) -> Result<Get, CallError> {
        self.memory.get(key, max_bytes).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>, CallError> {
        self.heads.set(self.heads.get() + 1);
        self.memory.head(key).await
    }

    async fn put(
        &self,
        key: &str,
        object: NewObject,
        condition: &Condition,
    ) -> Result<(), CallError> {
        let races = self.races.get();
        let unseen = *condition == Condition::Absent;
        let harmless = unseen && matches!(self.other.get(), Other::Deletes);
        if races > 0 && key.starts_with(RawKey::PREFIX) && !harmless {
            self.races.set(races - 1);
            let foreign: NewObject = format!("of race {races}").as_str().into();
            match self.other.get() {
                Other::Deletes => self.memory.delete(key).await?,
                Other::WritesForeignBytes => {
                    self.memory.put(key, foreign, &Condition::Always).await?;
                }
                Other::WritesNewer => {
                    let mut metadata = RawMetadata::parse(&object.metadata).unwrap();
                    metadata.landing = landing(2);
                    let newer = NewObject { metadata: metadata.to_map(), ..foreign };
                    self.memory.put(key, newer, &Condition::Always).await?;
                }
            }
        }
        self.memory.put(key, object, condition).await
    }

    async fn delete(&self, key: &str) -> Result<(), CallError> {
        self.memory.delete(key).await
    }
}

fn envelope() -> Envelope {
    let page = include_str!("../../../events/b3-portfolio-day.json");
    Envelope {
        request: PageRequest::first("IBOV".parse().unwrap(), Segment::BySector, 1_000),
        base_url: "https://b3.example".to_owned(),
        fetched_at: "2026-11-20T13:00:00Z".parse().unwrap(),
        source: None,
        rejection: None,
        pages: vec![page.to_owned()],
    }
}

/// The key of the landing object that was fetched in that second.
fn landing(second: u32) -> LandingKey {
    let (portfolio, _) = envelope().portfolio().unwrap();
    let fetched_at = format!("2026-11-20T13:00:{second:02}Z").parse().unwrap();
    let stamp = Stamp::new(fetched_at, ContentHash::of(&portfolio));
    LandingKey { index: portfolio.index, date: portfolio.date, stamp }
}

async fn writer() -> (ParquetWriter<ContendedBucket>, RawKey) {
    let bucket = ContendedBucket::default();
    let body = serde_json::to_string(&envelope()).unwrap();
    let landing = landing(1);
    bucket.put(&landing.to_string(), body.as_str().into(), &Condition::Absent).await.unwrap();
    let file_name: FileName = "ibov_setor.parquet".parse().unwrap();
    let raw = RawKey { date: landing.date, file_name: file_name.clone() };
    let (index, segment) = ("IBOV".parse().unwrap(), Segment::BySector);
    (ParquetWriter { index, segment, file_name, bucket }, raw)
}

async fn write(writer: &ParquetWriter<ContendedBucket>) -> Result<Outcome, WriteError> {
    writer.write(&CreatedObject { key: landing(1).to_string() }).await
}

async fn raw_object(writer: &ParquetWriter<ContendedBucket>, raw: &RawKey) -> Option<RawMetadata> {
    let head = writer.bucket.memory.head(&raw.to_string()).await.unwrap();
    head.and_then(|head| RawMetadata::parse(&head.metadata))
}

#[tokio::test]
async fn a_landing_object_becomes_the_raw_file_of_its_date_once() {
    let (writer, raw) = writer().await;
    assert_eq!(write(&writer).await.unwrap(), Outcome::Done);
    assert_eq!(raw_object(&writer, &raw).await.unwrap().landing, landing(1));
    assert_eq!(write(&writer).await.unwrap(), Outcome::NothingToDo("already written"));
}

#[tokio::test]
async fn a_new_date_is_written_without_a_look_and_only_a_written_one_is_looked_at() {
    let (writer, _) = writer().await;
    write(&writer).await.unwrap();
    assert_eq!(writer.bucket.heads.get(), 0);
    write(&writer).await.unwrap();
    assert_eq!(writer.bucket.heads.get(), 1);
}

#[tokio::test]
async fn a_writer_that_loses_a_race_looks_again() {
    for other in [Other::WritesForeignBytes, Other::Deletes] {
        let (writer, raw) = writer().await;
        let (key, foreign) = (raw.to_string(), "not ours");
        writer.bucket.memory.put(&key, foreign.into(), &Condition::Always).await.unwrap();
        writer.bucket.races.set(2);
        writer.bucket.other.set(other);
        assert_eq!(write(&writer).await.unwrap(), Outcome::Done);
        assert_eq!(raw_object(&writer, &raw).await.unwrap().landing, landing(1));
    }
}

#[tokio::test]
async fn a_writer_that_loses_to_a_newer_landing_object_leaves_that_in_place() {
    let (writer, raw) = writer().await;
    writer.bucket.races.set(1);
    writer.bucket.other.set(Other::WritesNewer);
    let older = Outcome::NothingToDo("older than the raw file");
    assert_eq!(write(&writer).await.unwrap(), older);
    assert_eq!(raw_object(&writer, &raw).await.unwrap().landing, landing(2));
}

#[tokio::test]
async fn a_writer_that_keeps_losing_gives_up_for_now() {
    let (writer, raw) = writer().await;
    writer.bucket.races.set(u32::MAX);
    let failure = write(&writer).await.unwrap_err().failure();
    assert_eq!(failure.code, Code::RawContended);
    assert_eq!(failure.object, Some(writer.bucket.uri(&raw)));
}

#[tokio::test]
async fn an_object_that_is_gone_is_nothing_to_do_and_one_that_is_no_envelope_is_an_error() {
    let (writer, _) = writer().await;
    let key = landing(1).to_string();
    writer.bucket.delete(&key).await.unwrap();
    assert_eq!(write(&writer).await.unwrap(), Outcome::NothingToDo("object gone"));
    writer.bucket.put(&key, "{}".into(), &Condition::Absent).await.unwrap();
    let failure = write(&writer).await.unwrap_err().failure();
    assert_eq!(
        (failure.code, failure.object),
        (Code::NotAnEnvelope, Some(writer.bucket.uri(&key)))
    );
}
