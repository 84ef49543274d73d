//! Fetches the day's theoretical portfolio from B3 and keeps the answer, whole, under `landing/`.
//!
//! A request on the fetch queue is all it takes: one from a schedule, from a person, or a redriven one.
//! An answer that reconciles, and has its stocks in common with the portfolio before it, is written unless
//! the newest landing object of its date says the same; any other is written under `rejected/` with the
//! reason, and the request is parked.

mod body;
mod continuity;
mod error;
mod lake;
mod retry;
mod source;

use std::{fmt::Display, sync::Arc, time::Duration};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chrono::Days;
use lambda_runtime::LambdaEvent;
use shared::{
    aws,
    b3::PageRequest,
    events::FetchRequest,
    lake::{LandingKey, Stamp},
    landing::{Envelope, Rejection},
    portfolio::{ContentHash, IndexCode, Portfolio, Segment, Warning, day_in_sao_paulo},
    settings::{Environment, SettingError},
    stage::{Invocation, Message, Outcome, SqsQueues, Stage, readable},
};
use tokio::time::Instant;

pub use continuity::OtherPortfolio;
pub use error::FetchError;
use lake::Lake;
pub use source::{B3, Fetched, SourceError, SourceErrorCause};

/// What the function does, and with what.
#[derive(Clone, Debug)]
pub struct Fetcher {
    settings: Settings,
    b3: B3,
    lake: Lake,
    stage: Stage<SqsQueues>,
}

/// The fetcher's own settings.
#[derive(Clone, Debug)]
struct Settings {
    /// `INDEX`: the one index that this stack serves.
    index: IndexCode,
    /// `SEGMENT`: 2 asks for sectors, 1 leaves them out. 2 unless set.
    segment: Segment,
    /// `PAGE_SIZE`: rows asked for in one page. 1000 holds every index; smaller only for tests.
    page_size: u32,
}

/// Where the portfolios are served.
const B3_BASE_URL: &str = "https://sistemaswebb3-listados.b3.com.br";

impl Fetcher {
    /// Reads the settings and makes the clients, once for each cold start.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be used.
    pub async fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let sdk = aws::sdk_config().await;
        let timeout = Duration::from_secs(environment.or("HTTP_TIMEOUT", 15)?);
        let base_url = environment.or("B3_BASE_URL", B3_BASE_URL.to_owned())?;
        let b3 = B3::new(base_url.clone(), timeout).map_err(|error| SettingError::Invalid {
            name: "B3_BASE_URL",
            value: base_url,
            reason: error.to_string(),
        })?;
        Ok(Self {
            settings: Settings {
                index: environment.required("INDEX")?,
                segment: environment.or("SEGMENT", Segment::BySector)?,
                page_size: environment.or("PAGE_SIZE", 1_000)?,
            },
            b3,
            lake: Lake::new(aws::s3_client(&sdk), environment.required("S3_BUCKET")?),
            stage: Stage::from_environment("fetcher", environment, &sdk)?,
        })
    }

    /// Handles one batch of fetch requests.
    ///
    /// # Errors
    /// Only if a record of the batch has no message id.
    pub async fn handle(
        self: &Arc<Self>,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let invocation = Invocation::new(&event.context);
        let deadline = invocation.deadline;
        let fetch = |message: Message| {
            let fetcher = Arc::clone(self);
            async move { fetcher.fetch(&message, deadline).await }
        };
        Ok(self.stage.run(event.payload, &invocation, fetch).await?)
    }

    async fn fetch(&self, message: &Message, deadline: Instant) -> Result<Outcome, FetchError> {
        let request = self.page_request(&FetchRequest::parse(&message.body)?)?;
        let Fetched { envelope, portfolio } = match self.b3.fetch(&request, deadline).await {
            Ok(fetched) => fetched,
            Err(error) => return Err(self.keep_unreadable(error).await?),
        };
        match portfolio {
            Ok((portfolio, warnings)) => self.keep(envelope, &portfolio, &warnings).await,
            Err(source) => {
                let object = self.reject(envelope, source.code(), &source).await?;
                Err(FetchError::Refused { source, object })
            }
        }
    }

    /// One stack serves one index and segment: its keys and tables have no room for others.
    fn page_request(&self, request: &FetchRequest) -> Result<PageRequest, FetchError> {
        let Settings { index, segment, page_size } = &self.settings;
        let asked_index = request.index.as_ref().unwrap_or(index);
        let asked_segment = request.segment.unwrap_or(*segment);
        if asked_index != index || asked_segment != *segment {
            return Err(FetchError::NotServed {
                asked: format!("{asked_index} with segment {asked_segment}"),
                served: format!("{index} with segment {segment}"),
            });
        }
        Ok(PageRequest::first(index.clone(), *segment, *page_size))
    }

    async fn keep(
        &self,
        envelope: Envelope,
        portfolio: &Portfolio,
        warnings: &[Warning],
    ) -> Result<Outcome, FetchError> {
        let Portfolio { index, date, .. } = portfolio;
        let content = ContentHash::of(portfolio);
        let since = day_in_sao_paulo(envelope.fetched_at) - Self::COMPARED_DAYS;
        let before = self.lake.landings_since(index, since).await?;
        if let Some(newest) = before.iter().find(|key| key.date == *date)
            && newest.stamp.content == content
        {
            tracing::info!(%index, %date, landing_key = %newest, "B3's answer is unchanged");
            return Ok(Outcome::NothingToDo("unchanged content"));
        }
        if let Err(source) = self.compare(portfolio, &before).await? {
            let object = self.reject(envelope, "other-portfolio", &source).await?;
            return Err(FetchError::OtherPortfolio { source: Box::new(source), object });
        }
        let stamp = Stamp::new(envelope.fetched_at, content);
        let key = LandingKey { index: index.clone(), date: *date, stamp };
        let size_bytes = self.lake.write_landing(&key, &envelope).await?;
        for warning in warnings {
            let (kind, rows) = (warning.kind(), warning.count());
            tracing::warn!(%index, %date, kind, rows, reason = %warning, "the portfolio is odd");
        }
        tracing::info!(
            %index, segment = %portfolio.segment, %date, landing_key = %key, size_bytes,
            content_sha256 = %key.stamp.content, pages = envelope.pages.len(),
            constituents = portfolio.constituents.len(), warnings = warnings.len(),
            "portfolio fetched"
        );
        Ok(Outcome::Done)
    }

    /// The portfolio before may be as old as that. After a longer silence nothing is compared.
    const COMPARED_DAYS: Days = Days::new(30);

    /// Holds a portfolio against the newest of the landing objects `before` that can be read.
    async fn compare(
        &self,
        portfolio: &Portfolio,
        before: &[LandingKey],
    ) -> Result<Result<(), OtherPortfolio>, FetchError> {
        /// More unreadable ones in a row are somebody's experiment, and not worth the time.
        const MOST_LOOKED_AT: usize = 5;
        for key in before.iter().take(MOST_LOOKED_AT) {
            if let Some(before) = self.lake.portfolio(key).await? {
                return Ok(continuity::check(portfolio, &before, key));
            }
        }
        Ok(Ok(()))
    }

    /// Keeps a refused answer, since B3 will not serve it again, with the reason; gives the place.
    async fn reject(
        &self,
        envelope: Envelope,
        code: &str,
        error: &impl Display,
    ) -> Result<String, FetchError> {
        let rejected_key = self.lake.write_rejected(envelope, rejection(code, error)).await?;
        tracing::info!(%rejected_key, "the refused answer is kept");
        Ok(self.lake.uri(&rejected_key))
    }

    /// Keeps what was neither JSON nor a web page: should it be our reader that is wrong, the day is not lost.
    async fn keep_unreadable(&self, mut error: SourceError) -> Result<FetchError, FetchError> {
        let Some(envelope) = error.unreadable.take() else {
            return Ok(FetchError::Source(Box::new(error)));
        };
        let rejection = rejection(error.cause.code(), &error);
        let rejected_key = self.lake.write_rejected(*envelope, rejection).await?;
        tracing::info!(%rejected_key, "the answer that cannot be read is kept");
        Ok(FetchError::Unreadable { source: Box::new(error), object: self.lake.uri(&rejected_key) })
    }
}

fn rejection(code: &str, error: &impl Display) -> Rejection {
    Rejection { code: code.to_owned(), message: readable(&error.to_string()) }
}
