//! What a landing object holds: B3's answer as it came, and how it was asked for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    b3::{ByName, MAX_ANSWER_BYTES, PageRequest, PortfolioPage, ShapeError},
    failure::Code,
    portfolio::{Consequences, Portfolio, Refusal, Warning},
};

/// The largest landing object: what the fetcher keeps of an answer is a text within JSON, and each character of it is
/// at most two there.
pub const MAX_LANDING_BYTES: i64 = 2 * MAX_ANSWER_BYTES as i64 + 1024 * 1024;

/// The whole answer to one fetch. B3 serves no history, so nothing of it is thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Of the first page; the others differ in their number only.
    pub request: PageRequest,
    /// The server that answered.
    pub base_url: String,
    /// When the first page was asked for.
    pub fetched_at: DateTime<Utc>,
    /// Why the answer was refused; absent under landing/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// Each page's body, character for character. What came compressed or in another encoding than UTF-8 is decoded.
    pub pages: Vec<String>,
}

/// Why an answer lies under rejected/.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// A stable name, such as `quantity-total`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// A landing object that cannot be read as a portfolio.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The object is not what the fetcher writes.
    #[error("the landing object is not an envelope of the fetcher: {0}")]
    NotAnEnvelope(#[source] serde_json::Error),
    /// A page of it is not what B3 sends.
    #[error("page {page}: {source}")]
    Page {
        /// From 1.
        page: usize,
        /// What it is instead.
        source: ShapeError,
    },
    /// Its pages do not reconcile.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl EnvelopeError {
    pub fn consequences(&self) -> Consequences {
        let wrong = Consequences::final_answer;
        match self {
            Self::NotAnEnvelope(_) => {
                wrong(Code::NotAnEnvelope).beyond_repair("it is not an answer of B3")
            }
            Self::Page { source, .. } => {
                let unexpected = Consequences::lacks_data(Code::UnexpectedAnswer);
                match source {
                    ShapeError::Empty | ShapeError::Html { .. } | ShapeError::NotJson { .. } => {
                        unexpected.beyond_repair("it is not JSON")
                    }
                    ShapeError::OtherJson { has_parts: false, .. } => {
                        unexpected.beyond_repair("there is no portfolio in it")
                    }
                    ShapeError::JsonInText { .. } | ShapeError::OtherJson { .. } => unexpected,
                }
            }
            Self::Refused(refusal) => refusal.consequences(),
        }
    }
}

impl Envelope {
    /// Reads a landing object.
    ///
    /// # Errors
    /// [`EnvelopeError::NotAnEnvelope`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = serde_json::from_slice(bytes).map(|ByName(envelope)| envelope);
        envelope.map_err(EnvelopeError::NotAnEnvelope)
    }

    /// The portfolio that the pages add up to, held against the moment at which they were fetched.
    ///
    /// # Errors
    /// The first page that is not B3's, or the first thing that does not reconcile.
    pub fn portfolio(&self) -> Result<(Portfolio, Vec<Warning>), EnvelopeError> {
        let read = |(page, body): (usize, &String)| {
            PortfolioPage::parse(body).map_err(|source| EnvelopeError::Page { page, source })
        };
        let pages = (1..).zip(&self.pages).map(read).collect::<Result<Vec<_>, _>>()?;
        let PageRequest { index, segment, .. } = &self.request;
        Ok(Portfolio::from_pages(index.clone(), *segment, self.fetched_at, &pages)?)
    }
}
