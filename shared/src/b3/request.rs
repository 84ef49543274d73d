//! The request for one page of a day portfolio.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::values::{IndexCode, Segment};

/// The language of B3's answer. It swaps separators and date order, so we always ask for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// `1.243.177.587`, `2,663`, `dd/mm/yy`.
    #[serde(rename = "pt-br")]
    PtBr,
}

/// One page of `GetPortfolioDay`, as B3's own site asks for it.
///
/// B3 reads the parameters from a base64 path segment: standard alphabet, with padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageRequest {
    /// Always pt-br.
    pub language: Language,
    /// From 1.
    pub page_number: u32,
    /// Rows asked for; the server may give fewer a page.
    pub page_size: u32,
    /// The index, such as `IBOV`.
    pub index: IndexCode,
    /// Whether rows come with their sector.
    pub segment: Segment,
}

impl PageRequest {
    /// The first page of a portfolio.
    #[must_use]
    pub fn first(index: IndexCode, segment: Segment, page_size: u32) -> Self {
        Self { language: Language::PtBr, page_number: 1, page_size, index, segment }
    }

    /// The same request for another page.
    #[must_use]
    pub fn page(&self, page_number: u32) -> Self {
        Self { page_number, ..self.clone() }
    }

    /// The URL of this page below `base_url` (without a slash at its end).
    ///
    /// # Errors
    /// Only if the request cannot be written as JSON, which its types rule out.
    pub fn url(&self, base_url: &str) -> Result<String, serde_json::Error> {
        let parameters = STANDARD.encode(serde_json::to_vec(self)?);
        let base_url = base_url.trim_end_matches('/');
        Ok(format!("{base_url}/indexProxy/indexCall/GetPortfolioDay/{parameters}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_carries_the_parameters_as_padded_base64() {
        let request = PageRequest::first("IBOV".parse().unwrap(), Segment::BySector, 1000);
        let url = request.page(2).url("https://b3.example/").unwrap();
        let encoded =
            url.strip_prefix("https://b3.example/indexProxy/indexCall/GetPortfolioDay/").unwrap();
        let json = STANDARD.decode(encoded).unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"language":"pt-br","pageNumber":2,"pageSize":1000,"index":"IBOV","segment":"2"}"#
        );
    }
}
