//! B3's server: all pages of a portfolio, asked for again where asking again can help.

use std::{mem, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Client, Response, StatusCode, header::LOCATION, redirect::Policy};
use shared::{
    b3::{
        Answer, Header, MAX_ANSWER_BYTES, MAX_BODY_BYTES, MAX_PAGES, PageRequest, ShapeError, ptbr,
    },
    landing::Envelope,
};
use tokio::time::{Instant, sleep};

use crate::retry;

/// B3's server.
#[derive(Clone, Debug)]
pub struct B3 {
    client: Client,
    base_url: String,
    timeout: Duration,
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
#[error("B3 did not give page {page} of the portfolio ({attempts} attempts): {cause}")]
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
    /// is not UTF-8 has a character of U+0000 to U+00FF for each byte, as in ISO 8859-1.
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
    #[error("HTTP {0}")]
    Status(StatusCode),
    #[error("HTTP {status}, a redirect to {location:?}: B3's error pages are reached like that")]
    Redirect { status: StatusCode, location: String },
    #[error("the body is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("all pages up to this one are longer than {MAX_ANSWER_BYTES} bytes")]
    AllTooLong,
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("{0}")]
    Shape(ShapeError),
    #[error(
        "the {field} changed from {first:?} to {now:?} between pages: a new portfolio is being published"
    )]
    Changed { field: &'static str, first: String, now: String },
}

impl SourceErrorCause {
    /// A stable name for logs, alerts and dead-letter attributes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "b3-unreachable",
            Self::Timeout(_) => "b3-timeout",
            Self::Transport(_) => "b3-connection-broken",
            Self::Status(_) => "b3-http-status",
            Self::Redirect { .. } => "b3-redirect",
            Self::TooLong | Self::AllTooLong => "b3-body-too-long",
            Self::NotUtf8
            | Self::Shape(ShapeError::NotJson { .. } | ShapeError::OtherJson { .. }) => {
                "b3-not-json"
            }
            Self::Shape(ShapeError::Html { .. }) => "b3-html",
            Self::Changed { .. } => "changed-between-pages",
        }
    }
}

impl B3 {
    /// A client of the server at `base_url` that waits at most `timeout` for each answer.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(base_url: String, timeout: Duration) -> Result<Self, reqwest::Error> {
        const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .redirect(Policy::none())
            .user_agent(concat!("ibov-pipeline/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, base_url, timeout })
    }

    /// Fetches all pages. What comes back is readable as JSON, but has not been reconciled: reading ends
    /// early at the first page that already rules a portfolio out.
    ///
    /// # Errors
    /// [`SourceError`] once asking again does not help or does not fit in before `deadline`.
    pub async fn fetch(
        &self,
        first: &PageRequest,
        deadline: Instant,
    ) -> Result<Envelope, SourceError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.all_pages(first, deadline).await {
                Err(error) if matches!(error.cause, SourceErrorCause::Changed { .. }) => error,
                result => return result,
            };
            self.wait_or_give_up(error, attempts, deadline).await?;
        }
    }

    async fn all_pages(
        &self,
        first: &PageRequest,
        deadline: Instant,
    ) -> Result<Envelope, SourceError> {
        let mut fetched_at = None;
        let mut pages: Vec<String> = Vec::new();
        let mut first_answer: Option<Answer> = None;
        for number in 1..=MAX_PAGES {
            let request = first.page(number);
            let page = self.page(&request, deadline).await;
            let Page { asked_at, text, answer } =
                page.map_err(|error| error.after(mem::take(&mut pages), fetched_at))?;
            fetched_at.get_or_insert(asked_at);
            pages.push(text);
            if pages.iter().map(String::len).sum::<usize>() > MAX_ANSWER_BYTES {
                return Err(self.error(&request, 1, SourceErrorCause::AllTooLong));
            }
            let Some(answer) = answer else { break };
            if let Some(first_answer) = &first_answer
                && let Some(cause) = changed(first_answer, &answer)
            {
                return Err(self.error(&request, 1, cause));
            }
            let last = number >= answer.page.total_pages;
            let empty = answer.results.as_ref().is_none_or(Vec::is_empty);
            first_answer.get_or_insert(answer);
            if last || empty {
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
        loop {
            attempts += 1;
            // Before each attempt anew: what was asked for later is newer, however long it took.
            let asked_at = Utc::now();
            let body = self.body(request, deadline).await.map(String::from_utf8);
            let (cause, unreadable) = match body {
                Ok(Ok(text)) => match Answer::parse(&text) {
                    Ok(answer) => return Ok(Page { asked_at, text, answer: Some(answer) }),
                    Err(ShapeError::OtherJson { .. }) => {
                        return Ok(Page { asked_at, text, answer: None });
                    }
                    Err(error @ ShapeError::NotJson { .. }) => {
                        (SourceErrorCause::Shape(error), Some(text).filter(|text| !text.is_empty()))
                    }
                    Err(error @ ShapeError::Html { .. }) => (SourceErrorCause::Shape(error), None),
                },
                Ok(Err(error)) => {
                    let characters = error.as_bytes().iter().copied().map(char::from).collect();
                    (SourceErrorCause::NotUtf8, Some(characters))
                }
                Err(cause) => (cause, None),
            };
            let unreadable = unreadable.map(|text| self.envelope(request, asked_at, vec![text]));
            let error = SourceError {
                unreadable: unreadable.map(Box::new),
                ..self.error(request, attempts, cause)
            };
            self.wait_or_give_up(error, attempts, deadline).await?;
        }
    }

    async fn wait_or_give_up(
        &self,
        error: SourceError,
        attempts: u32,
        deadline: Instant,
    ) -> Result<(), SourceError> {
        let wait = retry::backoff(attempts);
        if attempts >= retry::MAX_ATTEMPTS || !retry::fits(wait, deadline) {
            return Err(SourceError { attempts, ..error });
        }
        let kind = error.cause.code();
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(kind, error = %error.cause, page = error.page, page_attempt = attempts, wait_ms, "B3 is asked again");
        sleep(wait).await;
        Ok(())
    }

    async fn body(
        &self,
        request: &PageRequest,
        deadline: Instant,
    ) -> Result<Vec<u8>, SourceErrorCause> {
        let url = self.url(request);
        let timeout = self.timeout.min(deadline.saturating_duration_since(Instant::now()));
        let describe = |error: reqwest::Error| describe(error, timeout);
        let response = self.client.get(url).timeout(timeout).send().await.map_err(describe)?;
        let mut response = ok_status(response)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(describe)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(SourceErrorCause::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
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
    if !status.is_redirection() {
        return Err(SourceErrorCause::Status(status));
    }
    let location = response.headers().get(LOCATION).map(|value| value.to_str().unwrap_or("?"));
    let location = location.unwrap_or_default().chars().take(200).collect();
    Err(SourceErrorCause::Redirect { status, location })
}

fn describe(error: reqwest::Error, timeout: Duration) -> SourceErrorCause {
    if error.is_timeout() {
        return SourceErrorCause::Timeout(timeout);
    }
    let connecting = error.is_connect();
    // The innermost error is the one that says what happened; the URL is told elsewhere.
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match connecting {
        true => SourceErrorCause::Connect(innermost.to_string()),
        false => SourceErrorCause::Transport(innermost.to_string()),
    }
}

/// What differs between two pages that should be of one portfolio.
fn changed(first: &Answer, now: &Answer) -> Option<SourceErrorCause> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let total = |answer: &Answer| answer.page.total_records.to_string();
    let of =
        |header: &Header| [text(&header.date), text(&header.part), text(&header.theorical_qty)];
    let names = ["date", "total weight", "total quantity", "number of rows"];
    let before = of(&first.header).into_iter().chain([total(first)]);
    let after = of(&now.header).into_iter().chain([total(now)]);
    names.into_iter().zip(before.zip(after)).find(|(_, (first, now))| first != now).map(
        |(field, (first, now))| SourceErrorCause::Changed {
            field,
            first: ptbr::shortened(&first),
            now: ptbr::shortened(&now),
        },
    )
}
