//! B3's server: all pages of a portfolio, asked for again where asking again can help.

use std::{mem, time::Duration, time::SystemTime};

use chrono::{DateTime, Utc};
use reqwest::{
    Client, Response, StatusCode,
    header::{LOCATION, RETRY_AFTER},
    redirect::Policy,
};
use shared::{
    b3::{Answer, MAX_ANSWER_BYTES, MAX_BODY_BYTES, MAX_PAGES, PageRequest, ShapeError},
    landing::{Envelope, EnvelopeError},
    portfolio::{Portfolio, Warning},
};
use tokio::time::{Instant, sleep};

use crate::{
    body::{self, Declared, NotText},
    retry,
};

/// B3's server.
#[derive(Clone, Debug)]
pub struct B3 {
    client: Client,
    /// Takes bodies as they come: for a server whose Content-Encoding is not true.
    undecoding: Client,
    base_url: String,
    timeout: Duration,
}

/// B3's whole answer, and what it says.
#[derive(Debug)]
pub struct Fetched {
    /// As it came.
    pub envelope: Envelope,
    /// What it reconciles to, or why it does not.
    pub portfolio: Result<(Portfolio, Vec<Warning>), EnvelopeError>,
}

/// One page, as it came.
struct Page {
    /// When the request was sent that it answers.
    asked_at: DateTime<Utc>,
    text: String,
    /// Absent if it is JSON of some other shape.
    answer: Option<Answer>,
}

/// B3 gave no answer that could be read. It may later.
#[derive(Debug, thiserror::Error)]
#[error("B3 did not give page {page} of the portfolio (attempts: {attempts}): {cause}")]
pub struct SourceError {
    /// From 1.
    pub page: u32,
    /// How often it was asked for.
    pub attempts: u32,
    /// Where it was asked for.
    pub url: String,
    /// What came instead, the last time.
    pub cause: SourceErrorCause,
    /// If that was neither JSON nor HTML: all pages up to it, for somebody to look at who can read more. What
    /// is not UTF-8, nor declared to be anything that we read, is kept as if it were ISO 8859-1.
    pub unreadable: Option<Box<Envelope>>,
}

impl SourceError {
    /// The same error after other pages.
    fn after(mut self, pages: Vec<String>, fetched_at: Option<DateTime<Utc>>) -> Self {
        if let Some(unreadable) = &mut self.unreadable {
            unreadable.pages.splice(0..0, pages);
            unreadable.fetched_at = fetched_at.unwrap_or(unreadable.fetched_at);
        }
        self
    }
}

/// What came instead of a page.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // Each variant's message says what its fields are.
pub enum SourceErrorCause {
    #[error("no connection: {0}")]
    Connect(String),
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("the connection broke: {0}")]
    Transport(String),
    #[error("HTTP {status}{}", asked_to_wait(*.retry_after))]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error(
        "HTTP {status}, a redirect to {location:?}: B3's error pages are reached like that{}",
        asked_to_wait(*.retry_after)
    )]
    Redirect { status: StatusCode, location: String, retry_after: Option<Duration> },
    #[error("the body is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("all pages up to this one are longer than {MAX_ANSWER_BYTES} bytes")]
    AllTooLong,
    #[error("the body is not what its Content-Encoding says: {0}")]
    Encoding(String),
    #[error(transparent)]
    NotText(NotText),
    #[error(transparent)]
    Shape(ShapeError),
}

impl SourceErrorCause {
    /// A stable name for logs, alerts and dead-letter attributes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "b3-unreachable",
            Self::Timeout(_) => "b3-timeout",
            Self::Transport(_) => "b3-connection-broken",
            Self::Status { .. } => "b3-http-status",
            Self::Redirect { .. } => "b3-redirect",
            Self::TooLong | Self::AllTooLong => "b3-body-too-long",
            Self::Encoding(_) => "b3-encoding",
            Self::Shape(ShapeError::Empty) => "b3-empty",
            Self::Shape(ShapeError::Html { .. }) => "b3-html",
            Self::NotText(_)
            | Self::Shape(
                ShapeError::NotJson { .. }
                | ShapeError::JsonInText { .. }
                | ShapeError::OtherJson { .. },
            ) => "b3-not-json",
        }
    }

    /// How long B3 wants to be left alone, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::Redirect { retry_after, .. } => *retry_after,
            Self::Connect(_)
            | Self::Timeout(_)
            | Self::Transport(_)
            | Self::TooLong
            | Self::AllTooLong
            | Self::Encoding(_)
            | Self::NotText(_)
            | Self::Shape(_) => None,
        }
    }
}

fn asked_to_wait(retry_after: Option<Duration>) -> String {
    retry_after
        .map(|wait| format!(", and to ask again in {} s", wait.as_secs()))
        .unwrap_or_default()
}

impl B3 {
    /// A client of the server at `base_url` that waits at most `timeout` for each answer.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(base_url: String, timeout: Duration) -> Result<Self, reqwest::Error> {
        const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
        let builder = || {
            Client::builder()
                .connect_timeout(CONNECT_TIMEOUT.min(timeout))
                .redirect(Policy::none())
                .user_agent(concat!("ibov-pipeline/", env!("CARGO_PKG_VERSION")))
        };
        let undecoding = builder().no_gzip().no_brotli().no_deflate().no_zstd().build()?;
        Ok(Self { client: builder().build()?, undecoding, base_url, timeout })
    }

    /// Fetches all pages, and asks for all of them again while nothing in them is data. Reading ends early at the
    /// first page that already rules a portfolio out.
    ///
    /// # Errors
    /// [`SourceError`] once asking again does not help or does not fit in before `deadline`.
    pub async fn fetch(
        &self,
        first: &PageRequest,
        deadline: Instant,
    ) -> Result<Fetched, SourceError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let envelope = self.all_pages(first, deadline).await?;
            let portfolio = envelope.portfolio();
            let wait = match &portfolio {
                Err(error) if error.may_pass_soon() => retry::wait(attempts, None, deadline)
                    .inspect(|wait| log_wait(error.code(), error, attempts, *wait)),
                Ok(_) | Err(_) => None,
            };
            match wait {
                Some(wait) => sleep(wait).await,
                None => return Ok(Fetched { envelope, portfolio }),
            }
        }
    }

    async fn all_pages(
        &self,
        first: &PageRequest,
        deadline: Instant,
    ) -> Result<Envelope, SourceError> {
        let mut fetched_at = None;
        let mut pages: Vec<String> = Vec::new();
        for number in 1..=MAX_PAGES {
            let request = first.page(number);
            let page = self.page(&request, deadline).await;
            let Page { asked_at, text, answer } =
                page.map_err(|error| error.after(mem::take(&mut pages), fetched_at))?;
            fetched_at.get_or_insert(asked_at);
            // Some servers know one page only, whatever they are asked for.
            let repeated = pages.last() == Some(&text);
            pages.push(text);
            if pages.iter().map(String::len).sum::<usize>() > MAX_ANSWER_BYTES {
                return Err(self.error(&request, 1, SourceErrorCause::AllTooLong));
            }
            let Some(Answer { page, results, .. }) = answer else { break };
            let empty = results.is_none_or(|rows| rows.is_empty());
            let too_many = page.total_pages > MAX_PAGES;
            if empty || repeated || too_many || number >= page.total_pages {
                break;
            }
        }
        Ok(self.envelope(first, fetched_at.unwrap_or_else(Utc::now), pages))
    }

    fn envelope(
        &self,
        request: &PageRequest,
        fetched_at: DateTime<Utc>,
        pages: Vec<String>,
    ) -> Envelope {
        let (request, base_url) = (request.page(1), self.base_url.clone());
        Envelope { request, base_url, fetched_at, rejection: None, pages }
    }

    async fn page(&self, request: &PageRequest, deadline: Instant) -> Result<Page, SourceError> {
        let mut attempts = 0;
        let mut client = &self.client;
        loop {
            attempts += 1;
            // Before each attempt anew: what was asked for later is newer, however long it took.
            let asked_at = Utc::now();
            let (cause, unreadable) = match self.body(client, request, deadline).await {
                Ok(text) => match Answer::parse(&text) {
                    Ok(answer) => return Ok(Page { asked_at, text, answer: Some(answer) }),
                    Err(ShapeError::OtherJson { .. } | ShapeError::JsonInText { .. }) => {
                        return Ok(Page { asked_at, text, answer: None });
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
            if matches!(cause, SourceErrorCause::Encoding(_)) {
                client = &self.undecoding;
            }
            let unreadable = unreadable.map(|text| self.envelope(request, asked_at, vec![text]));
            let error = SourceError {
                unreadable: unreadable.map(Box::new),
                ..self.error(request, attempts, cause)
            };
            match retry::wait(attempts, error.cause.retry_after(), deadline) {
                Some(wait) => {
                    log_wait(error.cause.code(), &error, attempts, wait);
                    sleep(wait).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn body(
        &self,
        client: &Client,
        request: &PageRequest,
        deadline: Instant,
    ) -> Result<String, SourceErrorCause> {
        let url = self.url(request);
        let timeout = self.timeout.min(deadline.saturating_duration_since(Instant::now()));
        let describe = |error: reqwest::Error| describe(error, timeout);
        let response = client.get(url).timeout(timeout).send().await.map_err(describe)?;
        let mut response = ok_status(response)?;
        let declared = Declared::of(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(describe)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(SourceErrorCause::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        body::text(body, &declared).map_err(SourceErrorCause::NotText)
    }

    fn url(&self, request: &PageRequest) -> String {
        // Writing a request of plain values as JSON has no way to fail; the base URL is at least a URL.
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
    let connecting = error.is_connect();
    // The innermost error is the one that says what happened; the URL is told elsewhere.
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    // Reqwest takes whatever happens on the way to a decoder for its failure, a broken connection too.
    let mut of_connection = false;
    while let Some(source) = innermost.source() {
        innermost = source;
        of_connection |= source.is::<hyper::Error>();
    }
    let decoding = error.is_decode() && !of_connection;
    match innermost.to_string() {
        why if connecting => SourceErrorCause::Connect(why),
        why if decoding => SourceErrorCause::Encoding(why),
        why => SourceErrorCause::Transport(why),
    }
}

fn log_wait(kind: &str, error: &dyn std::fmt::Display, attempts: u32, wait: Duration) {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(kind, %error, page_attempt = attempts, wait_ms, "B3 is asked again");
}
