//! The content of a landing object: B3's answer as received, and the request.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    b3::{ByName, MAX_ANSWER_BYTES, PageRequest, PortfolioPage, ShapeError},
    failure::Code,
    portfolio::{Consequences, Portfolio, Refusal, Warning},
};

/// Size limit of a landing object. Bodies are strings within JSON, where escaping at most doubles their length.
pub const MAX_LANDING_BYTES: i64 = 2 * MAX_ANSWER_BYTES as i64 + 1024 * 1024;

/// The complete answer to one fetch. B3 serves no history, so nothing is thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// For the first page; the other requests differ only in the page number.
    pub request: PageRequest,
    /// The server that answered.
    pub base_url: String,
    /// When the first page was requested.
    pub fetched_at: DateTime<Utc>,
    /// Absent under landing/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// The body of each page, character for character, after decompression and decoding to UTF-8.
    pub pages: Vec<String>,
}

/// Why an answer is kept under rejected/.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The name of a [`Code`], such as `quantity-total`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// A landing object that cannot be read as a portfolio.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the landing object is not an envelope of the fetcher: {0}")]
    NotAnEnvelope(#[source] serde_json::Error),
    /// `page` counts from 1.
    #[error("page {page}: {source}")]
    Page { page: usize, source: ShapeError },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

#[deny(clippy::match_wildcard_for_single_variants, clippy::wildcard_enum_match_arm)] // A new error forces a decision.
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
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = serde_json::from_slice(bytes).map(|ByName(envelope)| envelope);
        envelope.map_err(EnvelopeError::NotAnEnvelope)
    }

    /// Parses the pages and checks them as [`Portfolio::from_pages`] does.
    pub fn portfolio(&self) -> Result<(Portfolio, Vec<Warning>), EnvelopeError> {
        let read = |(page, body): (usize, &String)| {
            PortfolioPage::parse(body).map_err(|source| EnvelopeError::Page { page, source })
        };
        let pages = (1..).zip(&self.pages).map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(self.portfolio_of(&pages)?)
    }

    /// The same for pages that have been parsed already.
    pub fn portfolio_of(
        &self,
        pages: &[PortfolioPage],
    ) -> Result<(Portfolio, Vec<Warning>), Refusal> {
        let PageRequest { index, segment, .. } = &self.request;
        Portfolio::from_pages(index.clone(), *segment, self.fetched_at, pages)
    }
}
