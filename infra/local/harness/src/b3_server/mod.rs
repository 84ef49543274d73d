//! A stand-in for B3's index service on the loopback interface.
//!
//! It speaks the API as measured: `GET /indexProxy/indexCall/GetPortfolioDay/{base64 of the request}`, pages,
//! and every way of failing that [`Answer`] lists. It serves the bundled sample of the local run, and whatever
//! portfolios a test publishes. A second port, of its own, takes orders from `ibov b3`, so that a broken B3
//! can still be mended.

mod day;
mod http;
mod listener;
mod reply;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
pub use day::{Day, Header, Holding, Row, next_session};
pub use reply::{Answer, NAMES};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, task::JoinHandle};

/// The only index of the bundled sample.
pub const SAMPLE_INDEX: &str = "IBOV";

/// What a client asked for, decoded from the base64 in the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageRequest {
    /// `pt-br` or `en-us`.
    pub language: String,
    /// Counts from 1.
    pub page_number: usize,
    /// Rows wanted.
    pub page_size: usize,
    /// Code of the index.
    pub index: String,
    /// `1` without sectors, `2` with.
    pub segment: String,
}

/// The running server. Dropping it closes both ports.
#[derive(Debug)]
pub struct B3Server {
    base_url: String,
    control_url: String,
    state: State,
    tasks: [JoinHandle<()>; 2],
}

impl B3Server {
    /// Starts a server that knows no index yet: every request gets `results: null`, as from B3.
    ///
    /// # Errors
    /// When the loopback interface gives no port.
    pub async fn start() -> Result<Self> {
        let state = State::default();
        let (base_url, public) = bind().await?;
        let (control_url, control) = bind().await?;
        let tasks = [
            tokio::spawn(http::serve(
                http::api(state.clone()),
                listener::Resetting::new(public, state.clone()),
            )),
            tokio::spawn(http::serve(http::control(state.clone()), control)),
        ];
        Ok(Self { base_url, control_url, state, tasks })
    }

    /// Starts a server that holds the bundled sample, as IBOV. It is dated anew whenever it is asked for, until
    /// somebody tells a date.
    ///
    /// # Errors
    /// As [`B3Server::start`].
    pub async fn with_sample() -> Result<Self> {
        let server = Self::start().await?;
        server.state.lock().sample = Some(Day::sample()?);
        Ok(server)
    }

    /// What to give as `B3BaseUrl`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where `POST /answer` takes the name of an [`Answer`], and `POST /date` the sample's date.
    #[must_use]
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// Makes `day` the portfolio of `index`, instead of the one it had.
    pub fn publish(&self, index: &str, day: Day) {
        self.state.lock().days.insert(index.to_owned(), day);
    }

    /// Serves at most `rows` rows a page, whatever is asked for.
    pub fn cap_page_size(&self, rows: usize) {
        self.state.lock().page_cap = Some(rows);
    }

    /// Answers every request like this from now on.
    pub fn answer(&self, answer: Answer) {
        self.state.lock().always = answer;
    }

    /// Answers the next requests like this, one each, and then as [`B3Server::answer`] said last.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().next.extend(answers);
    }

    /// Every request for a portfolio that could be read, in order. A reset connection was never read.
    #[must_use]
    pub fn requests(&self) -> Vec<PageRequest> {
        self.state.lock().requests.clone()
    }
}

impl Drop for B3Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn bind() -> Result<(String, TcpListener)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("no free port on 127.0.0.1 for the stand-in B3 server")?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((url, listener))
}

/// What both ports share.
#[derive(Debug, Clone, Default)]
struct State(Arc<Mutex<Script>>);

#[derive(Debug)]
struct Script {
    days: HashMap<String, Day>,
    /// Served as IBOV where nothing else was published.
    sample: Option<Day>,
    /// The sample's date, once somebody told one.
    date: Option<NaiveDate>,
    page_cap: Option<usize>,
    always: Answer,
    next: VecDeque<Answer>,
    requests: Vec<PageRequest>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            days: HashMap::new(),
            sample: None,
            date: None,
            page_cap: None,
            always: Answer::Portfolio,
            next: VecDeque::new(),
            requests: Vec::new(),
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn day(&self, index: &str) -> Option<Day> {
        let sample = || self.sample.clone().filter(|_| index == SAMPLE_INDEX);
        let dated = |sample: Day| sample.dated(self.date.unwrap_or_else(next_session));
        self.days.get(index).cloned().or_else(|| sample().map(dated))
    }

    fn take_answer(&mut self) -> Answer {
        self.next.pop_front().unwrap_or_else(|| self.always.clone())
    }

    /// Takes the answer only if it is a reset, which happens before a request is read.
    fn take_reset(&mut self) -> bool {
        match self.next.front() {
            Some(Answer::Reset) => self.next.pop_front().is_some(),
            Some(_) => false,
            None => self.always == Answer::Reset,
        }
    }
}

#[cfg(test)]
mod tests;
