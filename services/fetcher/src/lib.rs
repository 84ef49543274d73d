//! Fetches the day's theoretical portfolio from B3 and keeps the complete answer under `landing/`.
//!
//! Fetches are requested on the fetch queue, by a schedule, a person or a redrive. A consistent answer that has most of
//! its stocks in common with the previous portfolio is written, unless the newest landing object of the date has the
//! same content. Any other answer is written under `rejected/` with the reason, and the request is parked.

mod b3;
mod body;
mod content_encoding;
mod continuity;
mod error;
mod landing_store;
mod retry;

use std::{fmt::Display, time::Duration};

use chrono::Days;
use shared::{
    aws::{Bucket, S3Bucket},
    b3::PageRequest,
    events::FetchRequest,
    failure::{Code, StageError as _, readable},
    keys::{LandingKey, Stamp},
    landing::{Envelope, Rejection},
    portfolio::{ContentHash, Portfolio, Warning, day_in_sao_paulo},
    queues::Message,
    settings::{Environment, SettingError},
    stage::{Batch, Connections, Decoded, Failed, Handler, Outcome},
    values::{IndexCode, Segment},
};
use tokio::time::Instant;

pub use b3::{B3, Fetched, SourceError, SourceErrorCause};
pub use continuity::OtherPortfolio;
pub use error::FetchError;
use landing_store::LandingStore;

pub struct Fetcher<B = S3Bucket> {
    /// `INDEX`: the one index that this stack serves.
    index: IndexCode,
    /// `SEGMENT`: 2 for rows with sectors, the default; 1 for rows without.
    segment: Segment,
    /// `PAGE_SIZE`: requested rows a page. The default of 1000 holds every index; smaller only for tests.
    page_size: u32,
    b3: B3,
    store: LandingStore<B>,
}

const B3_BASE_URL: &str = "https://sistemaswebb3-listados.b3.com.br";

impl Handler for Fetcher {
    const STAGE: &'static str = "fetch";
    type Task = FetchRequest;
    type Error = FetchError;

    async fn from_environment(
        environment: &Environment,
        connections: &Connections,
    ) -> Result<Self, SettingError> {
        let timeout = Duration::from_secs(environment.or("HTTP_TIMEOUT", 15)?);
        let base_url = environment.or("B3_BASE_URL", B3_BASE_URL.to_owned())?;
        Ok(Self {
            index: environment.required("INDEX")?,
            segment: environment.or("SEGMENT", Segment::BySector)?,
            page_size: environment.or("PAGE_SIZE", 1_000)?,
            b3: B3::new(connections.http.clone(), base_url, timeout),
            store: LandingStore {
                bucket: S3Bucket::new(&connections.sdk, environment.required("S3_BUCKET")?),
            },
        })
    }

    fn decode(&self, message: &Message) -> Decoded<FetchRequest, FetchError> {
        Ok(vec![Ok(FetchRequest::parse(&message.body)?)])
    }

    async fn perform(&self, batch: Batch<'_, FetchRequest>) -> Vec<Result<Outcome, Failed>> {
        /// The largest batch that SQS delivers.
        const AT_ONCE: usize = 10;
        let deadline = batch.deadline();
        batch.each(AT_ONCE, async |request| self.fetch(&request, deadline).await).await
    }
}

impl<B: Bucket> Fetcher<B> {
    async fn fetch(
        &self,
        request: &FetchRequest,
        deadline: Instant,
    ) -> Result<Outcome, FetchError> {
        let request = self.first_page(request)?;
        let Fetched { envelope, portfolio } = match self.b3.fetch(&request, deadline).await {
            Ok(fetched) => fetched,
            Err(error) => return Err(self.keep_unreadable(error).await?),
        };
        match portfolio {
            Ok((portfolio, warnings)) => self.keep(envelope, &portfolio, &warnings).await,
            Err(source) => {
                let object = self.reject(envelope, source.consequences().code, &source).await?;
                Err(FetchError::Refused { source, object })
            }
        }
    }

    /// Refuses other indices and segments: the keys and tables of a stack hold only one.
    fn first_page(&self, request: &FetchRequest) -> Result<PageRequest, FetchError> {
        let (index, segment) = (&self.index, self.segment);
        let requested_index = request.index.as_ref().unwrap_or(index);
        let requested_segment = request.segment.unwrap_or(segment);
        if requested_index != index || requested_segment != segment {
            return Err(FetchError::NotServed {
                asked: format!("{requested_index} with segment {requested_segment}"),
                served: format!("{index} with segment {segment}"),
            });
        }
        Ok(PageRequest::first(index.clone(), segment, self.page_size))
    }

    async fn keep(
        &self,
        envelope: Envelope,
        portfolio: &Portfolio,
        warnings: &[Warning],
    ) -> Result<Outcome, FetchError> {
        let Portfolio { index, date, .. } = portfolio;
        let content = ContentHash::of(portfolio);
        let since = day_in_sao_paulo(envelope.fetched_at) - COMPARED_DAYS;
        let before = self.store.landings_since(index, since).await?;
        if let Some(newest) = before.iter().find(|key| key.date == *date)
            && newest.stamp.content == content
        {
            tracing::info!(%index, %date, landing_key = %newest, "B3's answer is unchanged");
            return Ok(Outcome::NothingToDo("unchanged content"));
        }
        if let Err(source) = self.compare(portfolio, &before).await? {
            let object = self.reject(envelope, Code::OtherPortfolio, &source).await?;
            return Err(FetchError::OtherPortfolio { source: Box::new(source), object });
        }
        let stamp = Stamp::new(envelope.fetched_at, content);
        let key = LandingKey { index: index.clone(), date: *date, stamp };
        let size_bytes = self.store.write_landing(&key, &envelope).await?;
        for warning in warnings {
            let (kind, rows) = (warning.kind(), warning.count());
            tracing::warn!(%index, %date, kind, rows, reason = %warning, "the portfolio is odd");
        }
        tracing::info!(
            %index, segment = %portfolio.segment, %date, landing_key = %key, size_bytes,
            content_hash = %key.stamp.content, pages = envelope.pages.len(),
            constituents = portfolio.constituents.len(), warnings = warnings.len(),
            "portfolio fetched"
        );
        Ok(Outcome::Done)
    }

    /// Compares a portfolio with the newest readable landing object among `before`.
    async fn compare(
        &self,
        portfolio: &Portfolio,
        before: &[LandingKey],
    ) -> Result<Result<(), OtherPortfolio>, FetchError> {
        /// More unreadable objects in a row come from an experiment and are not worth the time.
        const MOST_LOOKED_AT: usize = 5;
        for key in before.iter().take(MOST_LOOKED_AT) {
            if let Some(before) = self.store.portfolio(key).await? {
                return Ok(continuity::check(portfolio, &before, key));
            }
        }
        Ok(Ok(()))
    }

    /// Keeps a refused answer with the reason, since B3 will not serve it again. Returns the URI of the object.
    async fn reject(
        &self,
        envelope: Envelope,
        code: Code,
        error: &impl Display,
    ) -> Result<String, FetchError> {
        let message = readable(&error.to_string());
        let rejection = Rejection { code: code.name().to_owned(), message };
        let rejected_key = self.store.write_rejected(envelope, rejection).await?;
        tracing::info!(%rejected_key, "the answer is kept");
        Ok(self.store.bucket.uri(&rejected_key))
    }

    /// Keeps an answer that is neither JSON nor a web page: if our parser is wrong, the day is not lost.
    async fn keep_unreadable(&self, mut error: SourceError) -> Result<FetchError, FetchError> {
        let Some(envelope) = error.unreadable.take() else {
            return Ok(FetchError::Source(Box::new(error)));
        };
        let object = self.reject(*envelope, error.failure().code, &error).await?;
        Ok(FetchError::Unreadable { source: Box::new(error), object })
    }
}

/// Maximum age of the portfolio for the comparison. After a longer gap nothing is compared.
const COMPARED_DAYS: Days = Days::new(30);
