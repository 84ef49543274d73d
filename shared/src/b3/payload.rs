//! The answer of `GetPortfolioDay` as B3 sends it: texts, any of which may be missing.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::{
    field::{ByName, Field},
    ptbr::{cut, shortened},
};

/// Limit of one body. A page of a thousand rows takes about 200 kB.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Limit of all pages together: more than [`MAX_ROWS`] rows take, and small enough that a batch of ten such answers
/// fits into a function's memory, which holds three or four copies of each.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Limit of rows in one page. Parsed rows take far more memory than their text.
pub const MAX_ROWS: usize = 10_000;

/// Limit of pages in one answer. All 34 indices together have about 2,700 rows.
pub const MAX_PAGES: u32 = 50;

/// One page of an answer. Fields that B3 adds are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortfolioPage {
    pub position: PagePosition,
    /// The same on every page. Null for an index unknown to B3.
    pub header: Option<Header>,
    /// Null for an index unknown to B3. At most [`MAX_ROWS`].
    pub results: Option<Vec<Row>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PagePosition {
    /// Rows in the whole portfolio.
    pub total_records: u32,
    /// Pages in the whole portfolio, at the page size that the server chose.
    pub total_pages: u32,
}

/// The portfolio's date and totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Header {
    /// The portfolio's session, `dd/mm/yy`.
    pub date: Field<String>,
    /// Sum of the rows' `part`, in percent.
    pub part: Field<String>,
    /// The index's divisor, a text with 8 decimals. Nothing is computed from it, so any value is accepted.
    pub reductor: Field<Value>,
    /// Sum of the rows' `theoricalQty`.
    pub theorical_qty: Field<String>,
}

/// One constituent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Row {
    /// The sector, with segment 2 only.
    pub segment: Field<String>,
    /// Ticker.
    pub cod: Field<String>,
    /// The company's short name.
    pub asset: Field<String>,
    /// Share class and listing level, fixed-width.
    #[serde(rename = "type")]
    pub kind: Field<String>,
    /// Weight in percent.
    pub part: Field<String>,
    /// The sector's weight in percent, with segment 2 only.
    pub part_acum: Field<String>,
    /// Theoretical quantity of shares.
    pub theorical_qty: Field<String>,
    /// The line of a file, from 1. An answer's rows have none.
    #[serde(skip)]
    pub line: Option<u64>,
}

/// At most [`MAX_ROWS`], counted while reading.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rows(Vec<Row>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtMostMaxRows;

        impl<'de> Visitor<'de> for AtMostMaxRows {
            type Value = Vec<Row>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Row>, A::Error> {
                let mut rows = Vec::new();
                while let Some(ByName(row)) = sequence.next_element()? {
                    if rows.len() == MAX_ROWS {
                        return Err(A::Error::custom(format_args!("more than {MAX_ROWS} rows")));
                    }
                    rows.push(row);
                }
                Ok(rows)
            }
        }

        deserializer.deserialize_seq(AtMostMaxRows).map(Self)
    }
}

/// A page as B3 writes it. All three fields are required; header and results may be null.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    page: Field<ByName<PagePosition>>,
    #[serde(default)]
    header: Field<ByName<Header>>,
    #[serde(default)]
    results: Field<Rows>,
}

/// A body that is not a page of a day portfolio. Messages quote only the beginning of the body.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    #[error("the body is empty")]
    Empty,
    /// A web page, usually of the CDN in front of B3.
    #[error("the body is an HTML page, not JSON; it begins {beginning:?}")]
    Html { beginning: String },
    /// Not JSON and not HTML, or truncated JSON.
    #[error("the body is not JSON ({source}); it begins {beginning:?}")]
    NotJson { beginning: String, source: serde_json::Error },
    /// A JSON document within a JSON string.
    #[error("the body is a JSON text that holds JSON; it begins {beginning:?}")]
    JsonInText { beginning: String },
    /// JSON of another shape.
    #[error(
        "the body is JSON, but not a page of GetPortfolioDay: {reason}; it begins {beginning:?}"
    )]
    OtherJson {
        /// The missing or ill-typed value, with its path and the row's ticker.
        reason: String,
        /// Whether the object has any field of a page, in any shape. An error object has none.
        has_parts: bool,
        beginning: String,
    },
}

impl PortfolioPage {
    pub fn parse(body: &str) -> Result<Self, ShapeError> {
        // A byte order mark is not allowed before JSON or HTML, but has been seen before both.
        let body = body.trim_start_matches('\u{feff}').trim_start();
        if body.is_empty() {
            return Err(ShapeError::Empty);
        }
        if body.starts_with('<') {
            return Err(ShapeError::Html { beginning: beginning(body) });
        }
        let mut json = serde_json::Deserializer::from_str(body);
        let read = serde_path_to_error::deserialize::<_, ByName<Body>>(&mut json);
        let ByName(Body { page, header, results }) =
            read.map_err(|error| other_shape(body, error))?;
        json.end().map_err(|source| not_json(body, source))?;
        let has_parts = page.is_present() || header.is_present() || results.is_present();
        let other =
            |reason| ShapeError::OtherJson { reason, has_parts, beginning: beginning(body) };
        let absent = |name| move || other(format!("{name} is absent"));
        let position = page.or_absent(absent("page"))?;
        let ByName(position) = position.ok_or_else(|| other("page is null".to_owned()))?;
        let header = header.or_absent(absent("header"))?.map(|ByName(header)| header);
        let results = results.or_absent(absent("results"))?.map(|Rows(rows)| rows);
        Ok(Self { position, header, results })
    }
}

fn not_json(body: &str, source: serde_json::Error) -> ShapeError {
    ShapeError::NotJson { beginning: beginning(body), source }
}

fn other_shape(body: &str, error: serde_path_to_error::Error<serde_json::Error>) -> ShapeError {
    if !error.inner().is_data() {
        return not_json(body, error.into_inner());
    }
    // The reader stops at the first value of another shape; the rest may not even be JSON.
    let document: Value = match serde_json::from_str(body) {
        Ok(document) => document,
        Err(source) => return not_json(body, source),
    };
    let beginning = beginning(body);
    let within = document.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    if within.is_some_and(|within| within.is_object() || within.is_array()) {
        return ShapeError::JsonInText { beginning };
    }
    let row = error.path().iter().find_map(|segment| match segment {
        Segment::Seq { index } => Some(*index),
        Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    let ticker = row.and_then(|row| document.get("results")?.get(row)?.get("cod")?.as_str());
    let ticker = ticker.map(|ticker| format!(" of {}", shortened(ticker)));
    // The path of the document itself is a single point.
    let place = match error.path().to_string() {
        path if path == "." => String::new(),
        path => format!("{path}{}: ", ticker.unwrap_or_default()),
    };
    // The error quotes the value, which may be long.
    let reason = cut(&format!("{place}{}", error.inner()), MAX_REASON);
    let part = |name| document.get(name).is_some_and(|part| !part.is_null());
    let has_parts = ["page", "header", "results"].into_iter().any(part);
    ShapeError::OtherJson { reason, has_parts, beginning }
}

const MAX_REASON: usize = 200;

/// The part of a body that an error quotes.
pub fn beginning(body: &str) -> String {
    const CHARACTERS: usize = 200;
    cut(body, CHARACTERS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::b3::Missing;

    const PAGE: &str = r#""page":{"totalRecords":1,"totalPages":1},"header":{}"#;

    fn with_results(results: &str) -> Result<PortfolioPage, ShapeError> {
        PortfolioPage::parse(&format!("{{{PAGE}{results}}}"))
    }

    #[test]
    fn html_is_told_from_broken_json_and_from_other_json() {
        assert!(matches!(
            PortfolioPage::parse(" <!DOCTYPE html><p>520"),
            Err(ShapeError::Html { .. })
        ));
        assert!(matches!(PortfolioPage::parse(r#"{"page":{"#), Err(ShapeError::NotJson { .. })));
        assert!(matches!(PortfolioPage::parse(r#"{"page":[}"#), Err(ShapeError::NotJson { .. })));
        assert!(matches!(
            PortfolioPage::parse(r#"{"error":"x"}"#),
            Err(ShapeError::OtherJson { .. })
        ));
        assert!(matches!(PortfolioPage::parse("[]"), Err(ShapeError::OtherJson { .. })));
        assert!(matches!(
            PortfolioPage::parse(r#""maintenance""#),
            Err(ShapeError::OtherJson { .. })
        ));
    }

    #[test]
    fn an_empty_body_is_called_empty() {
        for body in ["", " \r\n", "\u{feff}"] {
            assert_eq!(PortfolioPage::parse(body).unwrap_err().to_string(), "the body is empty");
        }
    }

    #[test]
    fn json_within_a_json_text_is_called_that_and_shown() {
        let text = serde_json::to_string(&format!("{{{PAGE}}}")).unwrap();
        let error = PortfolioPage::parse(&text).unwrap_err().to_string();
        assert!(error.contains("a JSON text that holds JSON"), "{error}");
        assert!(error.contains("totalRecords"), "{error}");
    }

    #[test]
    fn what_follows_a_page_is_no_json() {
        assert!(matches!(
            PortfolioPage::parse(&format!("{{{PAGE},\"results\":null}}x")),
            Err(ShapeError::NotJson { .. })
        ));
    }

    #[test]
    fn null_results_are_an_answer_and_absent_ones_are_another_shape() {
        assert_eq!(with_results(r#","results":null"#).unwrap().results, None);
        assert_eq!(with_results(r#","results":[]"#).unwrap().results, Some(Vec::new()));
        let error = with_results(r#","items":[]"#).unwrap_err().to_string();
        assert!(error.contains("results is absent"), "{error}");
        let headless = r#"{"page":{"totalRecords":0,"totalPages":0},"results":null}"#;
        let error = PortfolioPage::parse(headless).unwrap_err().to_string();
        assert!(error.contains("header is absent"), "{error}");
    }

    #[test]
    fn absent_null_and_blank_texts_are_told_apart() {
        let row = r#","results":[{"asset":null,"cod":" ","part":"1"}]"#;
        let row = with_results(row).unwrap().results.unwrap().remove(0);
        assert_eq!(row.kind.text(), Err(Missing::Absent));
        assert_eq!(row.asset.text(), Err(Missing::Null));
        assert_eq!(row.cod.text(), Err(Missing::Blank));
        assert_eq!(row.part.text(), Ok("1"));
    }

    #[test]
    fn objects_are_never_read_by_the_position_of_their_values() {
        for body in [
            r#"{"page":[1,1],"header":{},"results":[]}"#.to_owned(),
            r#"{"page":{"totalRecords":1,"totalPages":1},"header":["25/11/26"],"results":[]}"#
                .to_owned(),
            format!(r#"{{{PAGE},"results":[["Mineração","VALE3","VALE","ON","1","1","1"]]}}"#),
            r#"[{"totalRecords":1,"totalPages":1},{},[]]"#.to_owned(),
        ] {
            let error = PortfolioPage::parse(&body).unwrap_err();
            assert!(matches!(error, ShapeError::OtherJson { .. }), "{body}: {error}");
        }
    }

    #[test]
    fn errors_name_the_path_and_the_ticker_and_show_the_beginning_only() {
        let error = with_results(r#","results":[{},{"cod":"VALE3","part":2.5}]"#).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("results[1].part of VALE3: invalid type"), "{text}");
        assert!(text.contains(r#"it begins "{\"page\""#), "{text}");
        let counts = r#"{"page":{"totalRecords":"6","totalPages":1},"header":{},"results":[]}"#;
        let text = PortfolioPage::parse(counts).unwrap_err().to_string();
        assert!(text.contains("page.totalRecords: invalid type"), "{text}");
        let long = format!(r#","results":"{}""#, "x".repeat(100_000));
        assert!(with_results(&long).unwrap_err().to_string().len() < 800);
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
            let _ = PortfolioPage::parse(&body);
        }
    }
}
