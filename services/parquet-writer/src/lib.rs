//! Turns a landing object into its date's raw Parquet file.
//!
//! Several landing objects may be of one date, and their events may come twice, late or in any order:
//! the newest one wins, whoever writes last (see [`mod@decision`]).

pub mod decision;
mod error;
pub mod lake;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    events::{CreatedObject, EventError, S3Message},
    lake::{FileName, LandingKey, RawKey},
    landing::Envelope,
    parquet,
    portfolio::{ContentHash, IndexCode, Portfolio, Segment},
    settings::{Environment, SettingError},
    stage::{self, Failure, Invocation, Message, Outcome, SqsQueues, Stage},
};

use decision::Decision;
pub use error::WriteError;
use lake::{Lake, RawFile};

/// What the function does, and with what.
#[derive(Clone, Debug)]
pub struct ParquetWriter {
    settings: Settings,
    lake: Lake,
    stage: Stage<SqsQueues>,
}

/// The writer's own settings.
#[derive(Clone, Debug)]
struct Settings {
    /// `INDEX`: the one index that this stack serves.
    index: IndexCode,
    /// `SEGMENT`: as the fetcher asks for it.
    segment: Segment,
    /// `FILENAME`: the raw file's name in each date's partition.
    file_name: FileName,
}

impl ParquetWriter {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        Ok(Self {
            settings: Settings {
                index: environment.required("INDEX")?,
                segment: environment.or("SEGMENT", Segment::BySector)?,
                file_name: environment.required("FILENAME")?,
            },
            lake: Lake::new(aws::s3_client(&sdk), environment.required("S3_BUCKET")?),
            stage: Stage::from_environment("parquet-writer", environment, &sdk)?,
        })
    }

    /// Handles one batch of notifications of landing objects.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let messages = Message::of_batch(event.payload)?;
        let write = |message: Message| {
            let (writer, invocation) = (Arc::clone(self), invocation.clone());
            async move { writer.write_all(&message, &invocation).await }
        };
        let written = Stage::<SqsQueues>::each(messages, &invocation.to_its_end(), write).await;
        let handled = written.into_iter().map(|(message, parts)| {
            let outcome = parts.and_then(|parts| self.stage.whole(&message, parts));
            (message, outcome)
        });
        Ok(self.stage.settle(handled.collect(), &invocation).await)
    }

    /// A message may name several objects. When one of them fails all of them may be looked at again,
    /// which writes nothing twice.
    async fn write_all(
        self: Arc<Self>,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Vec<Result<Outcome, Failure>>, WriteError> {
        let records = match S3Message::parse(&message.body, self.lake.bucket())? {
            S3Message::Test => return Ok(vec![Ok(Outcome::NothingToDo("test event of S3"))]),
            S3Message::Created(records) => records,
        };
        let write = |record| {
            let writer = Arc::clone(&self);
            async move { writer.write(record).await }
        };
        // The messages of a batch are handled side by side, and so many landing objects fit into memory.
        const AT_ONCE: usize = 1;
        Ok(stage::each_part(records, AT_ONCE, invocation, write).await)
    }

    async fn write(
        &self,
        record: Result<CreatedObject, EventError>,
    ) -> Result<Outcome, WriteError> {
        let landing = &record?.key.parse()?;
        let Some(body) = self.lake.read_landing(landing).await? else {
            return Ok(Outcome::NothingToDo("object gone"));
        };
        let portfolio = self.portfolio(landing, &body)?;
        let bytes = parquet::encode(&portfolio, landing)?;
        let raw = RawKey { date: landing.date, file_name: self.settings.file_name.clone() };
        let file = RawFile::new(landing.clone(), ContentHash::of(&portfolio), bytes);
        self.replace_if_newer(&raw, &file, portfolio.constituents.len()).await
    }

    fn portfolio(&self, landing: &LandingKey, body: &[u8]) -> Result<Portfolio, WriteError> {
        let object = self.lake.uri(landing);
        let unreadable = |source| WriteError::Unreadable { object: object.clone(), source };
        let envelope = Envelope::parse(body).map_err(unreadable)?;
        let (portfolio, _) = envelope.portfolio().map_err(unreadable)?;
        let Settings { index, segment, .. } = &self.settings;
        let said = (&portfolio.index, portfolio.segment, portfolio.date);
        if said != (index, *segment, landing.date) || portfolio.index != landing.index {
            let (index, segment, date) = said;
            let found = format!("{index} with segment {segment} of {date}");
            return Err(WriteError::Misplaced { object, found });
        }
        Ok(portfolio)
    }

    async fn replace_if_newer(
        &self,
        raw: &RawKey,
        file: &RawFile,
        constituents: usize,
    ) -> Result<Outcome, WriteError> {
        /// Each lost race means that somebody else wrote; more than a few in a row are somebody's bug.
        const MAX_RACES: u32 = 8;
        for _ in 0..MAX_RACES {
            let recorded = self.lake.head_raw(raw).await?;
            let decision = decision::decide(recorded, &file.landing, &file.file_hash);
            let condition = match decision {
                Decision::Write(condition) => condition,
                Decision::AlreadyWritten => return Ok(Outcome::NothingToDo("already written")),
                Decision::Older => return Ok(Outcome::NothingToDo("older than what is there")),
            };
            if self.lake.write_raw(raw, file, &condition).await? {
                tracing::info!(
                    raw_key = %raw, landing_key = %file.landing, content_sha256 = %file.content,
                    size_bytes = file.bytes.len(), constituents, "raw file written"
                );
                return Ok(Outcome::Done);
            }
        }
        Err(WriteError::Contended { object: self.lake.uri(raw) })
    }
}
