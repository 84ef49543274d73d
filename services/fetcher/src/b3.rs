//! Client of B3's server. Fetches all pages of a portfolio, with retries where these can help.

use std::{
    error::Error,
    fmt,
    iter::successors,
    mem,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT_ENCODING, LOCATION, RETRY_AFTER, USER_AGENT},
};
use shared::{
    b3::{MAX_ANSWER_BYTES, MAX_BODY_BYTES, MAX_PAGES, PageRequest, PortfolioPage, ShapeError},
    failure::{Code, Failure, StageError},
    landing::{Envelope, EnvelopeError},
    portfolio::{Portfolio, Warning},
    tls::Untrusted,
};
use tokio::time::{Instant, sleep};

use crate::{
    body::{self, Declared, NotText},
    content_encoding::{self, TooLong},
    retry,
};

/// In requests, for whom it may concern.
const NAME: &str = concat!("ibov-pipeline/", env!("CARGO_PKG_VERSION"));

#[derive(Clone, Debug)]
pub struct B3 {
    client: Client,
    base_url: String,
    timeout: Duration,
}

/// B3's complete answer.
#[derive(Debug)]
pub struct Fetched {
    /// The answer as received.
    pub envelope: Envelope,
    /// The parsed and checked answer.
    pub portfolio: Result<(Portfolio, Vec<Warning>), EnvelopeError>,
}

/// The body of one page.
struct ReceivedPage {
    /// When the request was sent.
    asked_at: DateTime<Utc>,
    text: String,
    /// An error only for JSON of another shape.
    parsed: Result<PortfolioPage, ShapeError>,
}

/// B3 gave no readable answer. May pass.
#[derive(Debug, thiserror::Error)]
#[error("B3 did not return page {page} of the portfolio (attempts: {attempts}): {cause}")]
pub struct SourceError {
    /// From 1.
    pub page: u32,
    pub attempts: u32,
    pub url: String,
    /// Of the last attempt.
    #[source]
    pub cause: SourceErrorCause,
    /// All pages up to this one, for inspection, if its body was neither JSON nor HTML. A body in an unknown encoding
    /// is kept as if it were ISO 8859-1.
    pub unreadable: Option<Box<Envelope>>,
}

impl SourceError {
    /// Prepends earlier pages to the unreadable one.
    fn after(mut self, pages: Vec<String>, fetched_at: Option<DateTime<Utc>>) -> Self {
        if let Some(unreadable) = &mut self.unreadable {
            unreadable.pages.splice(0..0, pages);
            unreadable.fetched_at = fetched_at.unwrap_or(unreadable.fetched_at);
        }
        self
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum SourceErrorCause {
    #[error("no connection: {}", innermost(.0))]
    Connect(#[source] reqwest::Error),
    #[error(transparent)]
    Certificate(Untrusted),
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("the connection broke: {}", innermost(.0))]
    Transport(#[source] reqwest::Error),
    #[error("HTTP {status}{}", asked_to_wait(*.retry_after))]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error(
        "HTTP {status}, a redirect to {location:?}: this is how B3 shows error pages{}",
        asked_to_wait(*.retry_after)
    )]
    Redirect { status: StatusCode, location: String, retry_after: Option<Duration> },
    #[error("the body is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("all pages up to this one are longer than {MAX_ANSWER_BYTES} bytes")]
    AllTooLong,
    #[error(transparent)]
    NotText(NotText),
    #[error(transparent)]
    Shape(ShapeError),
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
impl StageError for SourceErrorCause {
    fn failure(&self) -> Failure {
        let transient = Failure::transient;
        match self {
            Self::Connect(_) => transient(Code::B3Unreachable),
            // Also B3's own may be wrong for some hours.
            Self::Certificate(_) => transient(Code::B3Certificate),
            Self::Timeout(_) => transient(Code::B3Timeout),
            Self::Transport(_) => transient(Code::B3ConnectionBroken),
            Self::Status { retry_after, .. } => {
                transient(Code::B3HttpStatus).retry_after(*retry_after)
            }
            Self::Redirect { retry_after, .. } => {
                transient(Code::B3Redirect).retry_after(*retry_after)
            }
            Self::TooLong | Self::AllTooLong => transient(Code::B3BodyTooLong),
            Self::Shape(ShapeError::Empty) => transient(Code::B3Empty),
            Self::Shape(ShapeError::Html { .. }) => transient(Code::B3Html),
            Self::NotText(_)
            | Self::Shape(
                ShapeError::NotJson { .. }
                | ShapeError::JsonInText { .. }
                | ShapeError::OtherJson { .. },
            ) => transient(Code::B3NotJson),
        }
    }
}

impl StageError for SourceError {
    fn failure(&self) -> Failure {
        self.cause.failure().on(&self.url)
    }
}

fn asked_to_wait(retry_after: Option<Duration>) -> String {
    retry_after
        .map(|wait| format!(", and to ask again in {} s", wait.as_secs()))
        .unwrap_or_default()
}

impl B3 {
    /// A client of the server at `base_url` that waits at most `timeout` for each answer.
    pub fn new(client: Client, base_url: String, timeout: Duration) -> Self {
        Self { client, base_url, timeout }
    }

    /// Fetches all pages, and starts over while they hold no data. Stops at the first page that already rules out a
    /// portfolio.
    ///
    /// # Errors
    /// [`SourceError`] once a retry does not help or does not fit in before `deadline`.
    pub async fn fetch(
        &self,
        first: &PageRequest,
        deadline: Instant,
    ) -> Result<Fetched, SourceError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let fetched = self.all_pages(first, deadline).await?;
            let wait = match &fetched.portfolio {
                Err(error) if error.consequences().may_pass_soon => {
                    let code = error.consequences().code;
                    let wait = retry::wait(attempts, None, deadline);
                    wait.inspect(|wait| log_wait(code, error, attempts, *wait))
                }
                Ok(_) | Err(_) => None,
            };
            match wait {
                Some(wait) => sleep(wait).await,
                None => return Ok(fetched),
            }
        }
    }

    async fn all_pages(
        &self,
        first: &PageRequest,
        deadline: Instant,
    ) -> Result<Fetched, SourceError> {
        let mut fetched_at = None;
        let mut pages: Vec<String> = Vec::new();
        let mut all_parsed = Ok(Vec::new());
        for number in 1..=MAX_PAGES {
            let request = first.page(number);
            let page = self.page(&request, deadline).await;
            let ReceivedPage { asked_at, text, parsed } =
                page.map_err(|error| error.after(mem::take(&mut pages), fetched_at))?;
            fetched_at.get_or_insert(asked_at);
            // Some servers always return the same page.
            let repeated = pages.last() == Some(&text);
            pages.push(text);
            if pages.iter().map(String::len).sum::<usize>() > MAX_ANSWER_BYTES {
                return Err(self.error(&request, 1, SourceErrorCause::AllTooLong));
            }
            let page = match parsed {
                Ok(page) => page,
                Err(source) => {
                    all_parsed = Err(EnvelopeError::Page { page: pages.len(), source });
                    break;
                }
            };
            let total_pages = page.position.total_pages;
            let empty = page.results.as_ref().is_none_or(Vec::is_empty);
            if let Ok(all) = &mut all_parsed {
                all.push(page);
            }
            if empty || repeated || total_pages > MAX_PAGES || number >= total_pages {
                break;
            }
        }
        let envelope = self.envelope(first, fetched_at.unwrap_or_else(Utc::now), pages);
        let portfolio = all_parsed.and_then(|pages| Ok(envelope.portfolio_of(&pages)?));
        Ok(Fetched { envelope, portfolio })
    }

    fn envelope(
        &self,
        request: &PageRequest,
        fetched_at: DateTime<Utc>,
        pages: Vec<String>,
    ) -> Envelope {
        let (request, base_url) = (request.page(1), self.base_url.clone());
        Envelope { request, base_url, fetched_at, source: None, rejection: None, pages }
    }

    async fn page(
        &self,
        request: &PageRequest,
        deadline: Instant,
    ) -> Result<ReceivedPage, SourceError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            // Set for each attempt: an answer is as new as its request, however long it takes.
            let asked_at = Utc::now();
            let (cause, unreadable) = match self.body(request, deadline).await {
                Ok(text) => match PortfolioPage::parse(&text) {
                    Ok(page) => return Ok(ReceivedPage { asked_at, text, parsed: Ok(page) }),
                    Err(error @ (ShapeError::OtherJson { .. } | ShapeError::JsonInText { .. })) => {
                        return Ok(ReceivedPage { asked_at, text, parsed: Err(error) });
                    }
                    Err(error @ ShapeError::NotJson { .. }) => {
                        (SourceErrorCause::Shape(error), Some(text))
                    }
                    Err(error @ (ShapeError::Html { .. } | ShapeError::Empty)) => {
                        (SourceErrorCause::Shape(error), None)
                    }
                },
                Err(SourceErrorCause::NotText(mut error)) => {
                    let characters = mem::take(&mut error.characters);
                    (SourceErrorCause::NotText(error), Some(characters))
                }
                Err(cause) => (cause, None),
            };
            let unreadable = unreadable.map(|text| self.envelope(request, asked_at, vec![text]));
            let error = SourceError {
                unreadable: unreadable.map(Box::new),
                ..self.error(request, attempts, cause)
            };
            let Failure { code, retry_after, .. } = error.failure();
            match retry::wait(attempts, retry_after, deadline) {
                // In seconds no certificate becomes trusted.
                Some(wait) if !matches!(error.cause, SourceErrorCause::Certificate(_)) => {
                    log_wait(code, &error, attempts, wait);
                    sleep(wait).await;
                }
                Some(_) | None => return Err(error),
            }
        }
    }

    async fn body(
        &self,
        request: &PageRequest,
        deadline: Instant,
    ) -> Result<String, SourceErrorCause> {
        let url = self.url(request);
        let timeout = self.timeout.min(deadline.saturating_duration_since(Instant::now()));
        let describe = |error: reqwest::Error| describe(error, timeout);
        let request = self.client.get(url).timeout(timeout);
        let request =
            request.header(USER_AGENT, NAME).header(ACCEPT_ENCODING, content_encoding::ACCEPTED);
        let response = request.send().await.map_err(describe)?;
        let mut response = ok_status(response)?;
        let mut declared = Declared::of(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(describe)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(SourceErrorCause::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let body =
            declared.decoded(body, MAX_BODY_BYTES).map_err(|TooLong| SourceErrorCause::TooLong)?;
        body::text(body, &declared).map_err(SourceErrorCause::NotText)
    }

    fn url(&self, request: &PageRequest) -> String {
        // A request of plain values can always be written as JSON. As a fallback, the base URL is at least a URL.
        request.url(&self.base_url).unwrap_or_else(|_| self.base_url.clone())
    }

    fn error(&self, request: &PageRequest, attempts: u32, cause: SourceErrorCause) -> SourceError {
        let (page, url) = (request.page_number, self.url(request));
        SourceError { page, attempts, url, cause, unreadable: None }
    }
}

fn ok_status(response: Response) -> Result<Response, SourceErrorCause> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let header = |name| response.headers().get(name)?.to_str().ok();
    let retry_after =
        header(RETRY_AFTER).and_then(|value| retry::retry_after(value, SystemTime::now()));
    if !status.is_redirection() {
        return Err(SourceErrorCause::Status { status, retry_after });
    }
    let location = header(LOCATION).unwrap_or_default().chars().take(200).collect();
    Err(SourceErrorCause::Redirect { status, location, retry_after })
}

fn describe(error: reqwest::Error, timeout: Duration) -> SourceErrorCause {
    if error.is_timeout() {
        return SourceErrorCause::Timeout(timeout);
    }
    if let Some(untrusted) = Untrusted::among_causes(&error) {
        return SourceErrorCause::Certificate(untrusted);
    }
    let connecting = error.is_connect();
    // The URL is a separate field of `SourceError`.
    let error = error.without_url();
    if connecting { SourceErrorCause::Connect(error) } else { SourceErrorCause::Transport(error) }
}

/// The last of an error's sources, which states what happened.
fn innermost(error: &reqwest::Error) -> String {
    sources(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    successors(error.source(), |&error| error.source())
}

fn log_wait(code: Code, error: &dyn fmt::Display, attempts: u32, wait: Duration) {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(code = code.name(), %error, page_attempt = attempts, wait_ms, "B3 is asked again");
}
