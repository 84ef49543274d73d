//! The answer of `GetPortfolioDay`, as B3 sends it: texts, most of them optional.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// The largest body that is read. A page of a thousand rows takes about 200 kB.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The most that is kept of all pages together: more than [`MAX_ROWS`] take, and so little that a batch of ten such
/// answers fits into a function's memory, which holds each of them three times or four.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The most rows that are read. They take far more memory than the text that they come in.
pub const MAX_ROWS: usize = 10_000;

/// The most pages that are followed. All 34 indices together hold about 2,700 rows.
pub const MAX_PAGES: u32 = 50;

/// One page of an answer. Fields that B3 adds are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// Where this page stands.
    pub page: Page,
    /// The same on every page.
    pub header: Header,
    /// Null for an index that B3 does not know. At most [`MAX_ROWS`].
    #[serde(default, deserialize_with = "rows")]
    pub results: Option<Vec<Row>>,
}

/// Where a page stands among its portfolio's pages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Rows in the whole portfolio.
    pub total_records: u32,
    /// Pages in the whole portfolio, at the page size that the server chose.
    pub total_pages: u32,
}

/// The portfolio's date and totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header {
    /// The session that the portfolio is for, `dd/mm/yy`.
    pub date: Option<String>,
    /// Sum of the rows' `part`, in percent.
    pub part: Option<String>,
    /// The index's divisor, 8 decimals.
    pub reductor: Option<String>,
    /// Sum of the rows' `theoricalQty`.
    pub theorical_qty: Option<String>,
}

/// One constituent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Row {
    /// The sector, with segment 2 only.
    pub segment: Option<String>,
    /// The ticker.
    pub cod: Option<String>,
    /// The company's short name.
    pub asset: Option<String>,
    /// Share class and listing level, fixed-width.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Weight in percent.
    pub part: Option<String>,
    /// The sector's weight in percent, with segment 2 only.
    pub part_acum: Option<String>,
    /// Theoretical quantity of shares.
    pub theorical_qty: Option<String>,
}

fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Row>>, D::Error> {
    struct Rows(Vec<Row>);

    impl<'de> Deserialize<'de> for Rows {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(AtMostMaxRows).map(Self)
        }
    }

    struct AtMostMaxRows;

    impl<'de> Visitor<'de> for AtMostMaxRows {
        type Value = Vec<Row>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an array of rows")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut rows = Vec::new();
            while let Some(row) = sequence.next_element()? {
                if rows.len() == MAX_ROWS {
                    return Err(A::Error::custom(format_args!("more than {MAX_ROWS} rows")));
                }
                rows.push(row);
            }
            Ok(rows)
        }
    }

    Ok(Option::<Rows>::deserialize(deserializer)?.map(|Rows(rows)| rows))
}

/// A body that is no page of a day portfolio.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// A web page, usually of the CDN in front of B3.
    #[error("the body is an HTML page, not JSON; it begins {beginning:?}")]
    Html {
        /// The first characters of it.
        beginning: String,
    },
    /// Something else that is not JSON, or JSON cut short.
    #[error("the body is not JSON ({source}); it begins {beginning:?}")]
    NotJson {
        /// The first characters of it.
        beginning: String,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// JSON of another shape.
    #[error("the body is JSON, but not a page of GetPortfolioDay: {source}")]
    OtherJson {
        /// What is missing or of another type.
        source: serde_json::Error,
    },
}

impl Answer {
    /// Reads a body.
    ///
    /// # Errors
    /// [`ShapeError`] says whether it is HTML, no JSON, or JSON of another shape.
    pub fn parse(body: &str) -> Result<Self, ShapeError> {
        // A byte order mark is legal in front of neither, and seen in front of both.
        let body = body.trim_start_matches('\u{feff}').trim_start();
        if body.starts_with('<') {
            return Err(ShapeError::Html { beginning: beginning(body) });
        }
        serde_json::from_str(body).map_err(|source| {
            if source.is_data() {
                ShapeError::OtherJson { source }
            } else {
                ShapeError::NotJson { beginning: beginning(body), source }
            }
        })
    }
}

fn beginning(body: &str) -> String {
    const CHARACTERS: usize = 80;
    body.chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_is_told_from_broken_json_and_from_other_json() {
        assert!(matches!(Answer::parse(" <!DOCTYPE html><p>520"), Err(ShapeError::Html { .. })));
        assert!(matches!(Answer::parse(r#"{"page":{"#), Err(ShapeError::NotJson { .. })));
        assert!(matches!(Answer::parse(""), Err(ShapeError::NotJson { .. })));
        assert!(matches!(Answer::parse(r#"{"error":"x"}"#), Err(ShapeError::OtherJson { .. })));
        assert!(matches!(Answer::parse("[]"), Err(ShapeError::OtherJson { .. })));
    }

    fn with_results(results: &str) -> Result<Answer, ShapeError> {
        let page = r#""page":{"totalRecords":0,"totalPages":0},"header":{}"#;
        Answer::parse(&format!("{{{page}{results}}}"))
    }

    #[test]
    fn null_results_are_read_as_such() {
        assert_eq!(with_results(r#","results":null"#).unwrap().results, None);
        assert_eq!(with_results("").unwrap().results, None);
        assert_eq!(with_results(r#","results":[]"#).unwrap().results, Some(Vec::new()));
    }

    #[test]
    fn rows_are_counted_while_they_are_read() {
        let results = |count| format!(r#","results":[{}]"#, vec!["{}"; count].join(","));
        let most = with_results(&results(MAX_ROWS)).unwrap();
        assert_eq!(most.results.map(|rows| rows.len()), Some(MAX_ROWS));
        let error = with_results(&results(MAX_ROWS + 1)).unwrap_err();
        assert!(matches!(error, ShapeError::OtherJson { .. }));
        assert!(error.to_string().contains("more than 10000 rows"), "{error}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in ".{0,400}") {
            let _ = Answer::parse(&body);
        }
    }
}
