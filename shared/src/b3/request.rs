//! The request for one page of a day portfolio.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::values::{IndexCode, Segment};

/// The language of B3's answer. It decides separators and date order, so we always ask for the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// `1.243.177.587`, `2,663`, `dd/mm/yy`.
    #[serde(rename = "pt-br")]
    PtBr,
}

/// One page of `GetPortfolioDay`, requested as B3's own site does.
///
/// B3 reads the parameters from a base64 path segment: standard alphabet, with padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageRequest {
    pub language: Language,
    /// From 1.
    pub page_number: u32,
    /// Requested rows a page; the server may return fewer.
    pub page_size: u32,
    pub index: IndexCode,
    pub segment: Segment,
}

impl PageRequest {
    pub fn first(index: IndexCode, segment: Segment, page_size: u32) -> Self {
        Self { language: Language::PtBr, page_number: 1, page_size, index, segment }
    }

    pub fn page(&self, page_number: u32) -> Self {
        Self { page_number, ..self.clone() }
    }

    /// The URL of this page. The error cannot occur: the types of the request can always be written as JSON.
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
