//! Unusual answers of B3, or of a proxy in front of it, that nevertheless become a portfolio.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that finds something else has failed"
)]

use std::{
    io::Write as _,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use e2e::days;
use fetcher::{B3, Fetched, SourceError};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use harness::b3_server::{B3Server, Reply};
use serde_json::{Value, json};
use shared::{b3::PageRequest, failure::StageError as _, http, values::Segment};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

async fn fetch(server: &B3Server) -> Result<Result<Fetched, SourceError>> {
    fetch_within(server, PATIENCE).await
}

async fn fetch_within(
    server: &B3Server,
    patience: Duration,
) -> Result<Result<Fetched, SourceError>> {
    let request = PageRequest::first("IBOV".parse()?, Segment::BySector, 1000);
    let b3 = B3::new(http::client()?, server.base_url().to_owned(), Duration::from_secs(20));
    Ok(b3.fetch(&request, Instant::now() + patience).await)
}

/// A server with a small portfolio for the current session, and the one page of that portfolio.
async fn server() -> Result<(B3Server, String)> {
    let server = B3Server::start().await?;
    let day = days::small(days::session(0));
    server.publish("IBOV", day.clone());
    Ok((server, day.page(1, 1000).to_string()))
}

fn encoded(encoding: &'static str, body: Vec<u8>) -> Reply {
    Reply::Response { status: 200, headers: vec![("content-encoding", encoding)], body }
}

fn gzip(text: &str) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}

fn deflate(text: &str) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}

fn brotli(text: &str) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut text.as_bytes(), &mut compressed, &Default::default())?;
    Ok(compressed)
}

#[tokio::test]
async fn compressed_answers_are_decoded() -> Result<()> {
    let (server, page) = server().await?;
    for answer in [
        encoded("gzip", gzip(&page)?),
        encoded("deflate", deflate(&page)?),
        encoded("br", brotli(&page)?),
        encoded("zstd", zstd::encode_all(page.as_bytes(), 0)?),
    ] {
        let shown = format!("{answer:.80?}");
        server.reply(answer);
        let fetched = fetch(&server).await?.with_context(|| shown.clone())?;
        assert_eq!(fetched.envelope.pages, [page.as_str()], "{shown}");
        assert_eq!(fetched.portfolio?.0.constituents.len(), 4, "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_not_compressed_although_it_says_so_is_read_as_it_is() -> Result<()> {
    let (server, page) = server().await?;
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        server.reply(encoded(encoding, page.clone().into()));
        let fetched = fetch(&server).await?.context(encoding)?;
        assert_eq!(fetched.envelope.pages, [page.as_str()], "{encoding}");
    }
    Ok(())
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_too_much_is_not_read_to_its_end() -> Result<()> {
    let (server, _) = server().await?;
    server.reply(encoded("gzip", gzip(&" ".repeat(64 << 20))?));
    let error = fetch(&server).await?.err().context("an answer")?;
    assert_eq!(error.failure().code.name(), "b3-body-too-long", "{error}");
    Ok(())
}

#[tokio::test]
async fn a_declared_latin_1_is_read_as_such() -> Result<()> {
    let (server, page) = server().await?;
    let latin_1 = page.chars().map(|letter| u8::try_from(letter).expect("Portuguese")).collect();
    let content_type = ("content-type", "application/json; charset=ISO-8859-1");
    server.reply(Reply::Response { status: 200, headers: vec![content_type], body: latin_1 });
    let fetched = fetch(&server).await??;
    assert_eq!(fetched.envelope.pages, [page]);
    assert_eq!(fetched.portfolio?.0.constituents.len(), 4);
    Ok(())
}

#[tokio::test]
async fn an_encoding_that_nobody_reads_is_named() -> Result<()> {
    let (server, _) = server().await?;
    server.reply(encoded("compress", vec![0x1f, 0x9d, 0x90]));
    let error = fetch(&server).await?.err().context("an answer")?;
    assert!(error.to_string().contains("Content-Encoding compress"), "{error}");
    Ok(())
}

/// Answers that hold no data.
fn no_data(page: &str) -> Result<Vec<(&'static str, Vec<Reply>)>> {
    let body = |value: &Value| Reply::Body(value.to_string().into());
    let whole: Value = serde_json::from_str(page)?;
    let rows = whole["results"].as_array().context("no rows")?;
    let part = |rows: &[Value]| {
        let mut part = whole.clone();
        part["page"]["totalPages"] = json!(2);
        part["results"] = json!(rows);
        body(&part)
    };
    let null =
        json!({"page": {"totalRecords": 0, "totalPages": 0}, "header": null, "results": null});
    let mut empty = whole.clone();
    empty["results"] = json!([]);
    Ok(vec![
        ("an error object", vec![body(&json!({"message": "Erro interno do servidor"}))]),
        ("null results", vec![body(&null)]),
        ("empty results", vec![body(&empty)]),
        ("an empty body", vec![Reply::Body(Vec::new())]),
        ("pages that overlap", vec![part(&rows[..2]), part(&rows[1..3])]),
        ("pages of two days", vec![Reply::DateChangesBetweenPages, Reply::DateChangesBetweenPages]),
    ])
}

#[tokio::test]
async fn what_holds_no_data_is_asked_for_again_until_it_is_a_portfolio() -> Result<()> {
    let (server, page) = server().await?;
    for (what, answers) in no_data(&page)? {
        let asked = server.requests().len();
        let count = answers.len();
        server.reply_next(answers);
        let fetched = fetch(&server).await?.context(what)?;
        let (portfolio, warnings) = fetched.portfolio.context(what)?;
        assert_eq!((portfolio.constituents.len(), warnings.len()), (4, 0), "{what}");
        assert_eq!(server.requests().len() - asked, count + 1, "requests after {what}");
    }
    Ok(())
}

fn too_many_requests(retry_after: &'static str) -> Reply {
    let headers = vec![("retry-after", retry_after)];
    let body = br#"{"statusCode":429,"message":"Rate limit is exceeded."}"#.into();
    Reply::Response { status: 429, headers, body }
}

#[tokio::test]
async fn b3_is_left_alone_for_as_long_as_it_asks() -> Result<()> {
    const ASKED: Duration = Duration::from_secs(3);
    let (server, _) = server().await?;
    server.reply_next([too_many_requests("3")]);
    let before = SystemTime::now();
    let fetched = fetch(&server).await??;
    assert!(fetched.portfolio.is_ok());
    assert!(before.elapsed()? >= ASKED, "longer than any wait of our own after one attempt");
    Ok(())
}

#[tokio::test]
async fn a_wait_that_does_not_fit_into_the_invocation_is_left_to_the_message() -> Result<()> {
    let (server, _) = server().await?;
    server.reply(too_many_requests("120"));
    let error = fetch(&server).await?.err().context("an answer")?;
    assert_eq!(error.failure().retry_after, Some(Duration::from_secs(120)));
    assert!(
        error.to_string().contains("HTTP 429 Too Many Requests, and to ask again in 120 s"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1, "nobody asks again before that");
    Ok(())
}
