//! The content of a landing object: B3's answer as received and the request, or a file that somebody has kept.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    b3::{
        ByName, MAX_ANSWER_BYTES, PageRequest, PortfolioPage, ShapeError,
        csv::{self, CsvError, DayFile},
    },
    failure::Code,
    portfolio::{Consequences, Portfolio, Refusal, Warning},
    values::IndexCode,
};

/// Size limit of a landing object. Bodies are strings within JSON, where escaping at most doubles their length.
pub const MAX_LANDING_BYTES: i64 = 2 * MAX_ANSWER_BYTES as i64 + 1024 * 1024;

/// The complete answer to one fetch. B3 serves no history, so nothing is thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// For the first page; the other requests differ only in the page number. For a file, the request that it answers.
    pub request: PageRequest,
    /// The server that answered. Empty for a file that does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_url: String,
    /// When the first page was requested. For a file that does not say, the portfolio's date at 00:00 UTC: before any
    /// fetch of that day.
    pub fetched_at: DateTime<Utc>,
    /// Absent if the fetcher wrote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Absent under landing/.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// The body of each page, or the file, character for character, after decompression and decoding to UTF-8.
    pub pages: Vec<String>,
}

/// The file that an imported answer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without the folder.
    pub file: String,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
    pub format: Format,
}

/// How the pages of an answer are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As `GetPortfolioDay` answers.
    #[default]
    Json,
    /// As B3's site offers the portfolio for download.
    Csv,
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
    Csv(#[from] CsvError),
    #[error("the title says {found}, and the request {asked}")]
    OtherIndex { found: IndexCode, asked: IndexCode },
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
            Self::Csv(_) => wrong(Code::UnexpectedAnswer),
            Self::OtherIndex { .. } => wrong(Code::OtherPortfolio),
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
        let read = |(page, body): (usize, &String)| self.page(page, body);
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
    fn page(&self, page: usize, body: &str) -> Result<PortfolioPage, EnvelopeError> {
        match self.source.as_ref().map(|source| source.format).unwrap_or_default() {
            Format::Json => {
                PortfolioPage::parse(body).map_err(|source| EnvelopeError::Page { page, source })
            }
            Format::Csv => {
                let DayFile { index: found, page, .. } = csv::parse(body)?;
                let asked = &self.request.index;
                if found == *asked {
                    Ok(page)
                } else {
                    Err(EnvelopeError::OtherIndex { found, asked: asked.clone() })
                }
            }
        }
    }
}
