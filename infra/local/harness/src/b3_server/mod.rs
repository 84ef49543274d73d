//! A stand-in for B3's index service on the loopback interface.
//!
//! It speaks the API as measured: `GET /indexProxy/indexCall/GetPortfolioDay/{base64 of the request}`, pages, and
//! every way of failing in [`Reply`]. It serves the bundled sample of the local run, and the portfolios that a test
//! publishes. `ibov b3` scripts its replies through a second port, so that a server that resets every connection can
//! still be told to work again.

mod day;
mod http;
mod listener;
mod reply;
mod state;

use anyhow::{Context as _, Result};
pub use day::{Day, Header, Holding, Row, next_session};
pub use reply::Reply;
use state::State;
pub use state::{ReceivedRequest, SAMPLE_INDEX};
use tokio::{net::TcpListener, task::JoinHandle};

/// The running server. Dropping it closes both ports.
#[derive(Debug)]
pub struct B3Server {
    base_url: String,
    control_url: String,
    state: State,
    tasks: [JoinHandle<()>; 2],
}

impl B3Server {
    /// Starts a server without portfolios: every request gets `results: null`, as B3 answers for an unknown index.
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

    /// Starts a server with the bundled sample as IBOV's portfolio. Each reply dates it for the next session, until
    /// `POST /date` sets a date.
    pub async fn with_sample() -> Result<Self> {
        let server = Self::start().await?;
        server.state.lock().sample = Some(Day::sample()?);
        Ok(server)
    }

    /// The value for `B3BaseUrl`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where `POST /answer` takes the name of a [`Reply`], and `POST /date` the sample's date.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// Replaces the portfolio of `index`.
    pub fn publish(&self, index: &str, day: Day) {
        self.state.lock().days.insert(index.to_owned(), day);
    }

    /// Serves at most `rows` rows a page, even if more are requested.
    pub fn cap_page_size(&self, rows: usize) {
        self.state.lock().page_cap = Some(rows);
    }

    /// Replies to every request like this from now on.
    pub fn reply(&self, reply: Reply) {
        self.state.lock().always = reply;
    }

    /// Replies to the next requests with one of these each, before those of [`B3Server::reply`] resume.
    pub fn reply_next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().next.extend(replies);
    }

    /// Every request for a portfolio that was read, in order. Those whose connection was reset are missing.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
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

#[cfg(test)]
mod tests;
