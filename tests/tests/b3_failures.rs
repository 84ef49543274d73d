//! Every failure that B3 has shown, against the fetcher's own client: its error, the number of requests, and the time.
#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test that finds something else has failed"
)]

use std::{collections::BTreeMap, net::TcpListener, time::Duration};

use anyhow::{Context as _, Result};
use chrono::Utc;
use fetcher::{B3, Fetched, SourceError, SourceErrorCause};
use futures::future::join_all;
use harness::b3_server::{B3Server, Day, Reply};
use shared::{
    b3::{MAX_ANSWER_BYTES, MAX_BODY_BYTES, PageRequest},
    failure::StageError as _,
    http,
    values::Segment,
};
use tokio::time::Instant;

/// Requests for one page before the client gives up.
const ATTEMPTS: usize = 4;
/// Much longer than four attempts and the waits between them.
const PATIENCE: Duration = Duration::from_secs(60);
/// The code of the one failure that has a test of its own.
const TIMEOUT: &str = "b3-timeout";
/// Makes two pages of the sample's 82 constituents.
const PAGE: usize = 50;

fn request() -> Result<PageRequest> {
    Ok(PageRequest::first("IBOV".parse()?, Segment::BySector, 1000))
}

async fn fetch(
    base_url: &str,
    timeout: Duration,
    patience: Duration,
) -> Result<Result<Fetched, SourceError>> {
    let b3 = B3::new(http::client()?, base_url.to_owned(), timeout);
    Ok(b3.fetch(&request()?, Instant::now() + patience).await)
}

/// Code and message of an error.
#[derive(Debug)]
struct Verdict {
    code: &'static str,
    sentence: String,
    requests: usize,
}

async fn verdict(reply: Reply) -> Result<Verdict> {
    let server = B3Server::with_sample().await?;
    server.cap_page_size(PAGE);
    // Short only for the reply that never comes: on a busy machine the others may take longer.
    let timeout = Duration::from_secs(if matches!(reply, Reply::Hang) { 3 } else { 20 });
    server.reply(reply);
    let (code, sentence) = match fetch(server.base_url(), timeout, PATIENCE).await? {
        Err(error) => (error.failure().code.name(), error.to_string()),
        Ok(fetched) => {
            let error = fetched.portfolio.err().context("a portfolio came of it")?;
            (error.consequences().code.name(), error.to_string())
        }
    };
    Ok(Verdict { code, sentence, requests: server.requests().len() })
}

/// Each reply with the error's code, words of its message, and the number of requests.
fn failures() -> Vec<(Reply, &'static str, &'static str, usize)> {
    let body = |text: &str| Reply::Body(text.into());
    vec![
        (Reply::Html, "b3-html", "the body is an HTML page", ATTEMPTS),
        (Reply::Status(520), "b3-http-status", "HTTP 520", ATTEMPTS),
        (Reply::Status(403), "b3-http-status", "HTTP 403", ATTEMPTS),
        (Reply::RedirectToErrorPage, "b3-redirect", "a redirect to \"/error\"", ATTEMPTS),
        (Reply::Truncated, "b3-connection-broken", "the connection broke", ATTEMPTS),
        (body("{\"page\": {"), "b3-not-json", "the body is not JSON", ATTEMPTS),
        (
            Reply::Body(b"{\"x\": \"\xe7\"}".into()),
            "b3-not-json",
            "the body is not UTF-8 (the answer says charset utf-8); it begins \"{\\\"x",
            ATTEMPTS,
        ),
        (body(""), "b3-empty", "the body is empty", ATTEMPTS),
        (
            Reply::Response {
                status: 200,
                headers: vec![("content-encoding", "gzip")],
                body: b"\x1f\x8b\x08\x00 cut".into(),
            },
            "b3-not-json",
            "the answer says charset utf-8, Content-Encoding gzip); it begins with the bytes 1f 8b 08",
            ATTEMPTS,
        ),
        (
            body(&format!("{{\"x\":\"{}\"}}", "x".repeat(5 << 20))),
            "b3-body-too-long",
            "longer than",
            ATTEMPTS,
        ),
        // An answer without data is requested again from its first page.
        (
            Reply::DateChangesBetweenPages,
            "changed-between-pages",
            "header.date changed from",
            2 * ATTEMPTS,
        ),
        (
            body("{\"message\": \"Erro interno\"}"),
            "unexpected-answer",
            "not a page of GetPortfolioDay: page is absent; it begins \"{\\\"message",
            ATTEMPTS,
        ),
        (
            body("\"{\\\"page\\\": null}\""),
            "unexpected-answer",
            "a JSON text that holds JSON",
            ATTEMPTS,
        ),
        (Reply::NullResults, "results-null", "results is null", ATTEMPTS),
        (Reply::EmptyResults, "results-empty", "results is empty", ATTEMPTS),
        (Reply::MissingPage, "page-missing", "page 2 has no rows", 2 * ATTEMPTS),
        // Wrong data is not requested again.
        (Reply::WrongTotals, "quantity-total", "the quantities add up to 103334280471", 2),
        (Reply::EnglishShapes, "en-us-format", "en-us format", 2),
    ]
}

#[tokio::test]
async fn each_failure_has_a_code_of_its_own_a_sentence_and_a_bounded_number_of_requests()
-> Result<()> {
    let verdict = |failure: (Reply, _, _, _)| async { (verdict(failure.0.clone()).await, failure) };
    let outcomes = join_all(failures().into_iter().map(verdict)).await;
    let mut seen = BTreeMap::from([(TIMEOUT, "")]);
    for (found, (reply, code, words, requests)) in outcomes {
        let found = found.with_context(|| format!("{reply:.40?}"))?;
        is_told_as(&found, code, words, requests);
        let other = seen.insert(code, words);
        let shared = ["b3-http-status", "b3-not-json", "unexpected-answer"].contains(&code);
        assert!(other.is_none() || shared, "{code} stands for two failures");
    }
    Ok(())
}

fn is_told_as(found: &Verdict, code: &str, words: &str, requests: usize) {
    assert_eq!(found.code, code, "{found:?}");
    assert!(found.sentence.contains(words), "{code}: {}", found.sentence);
    assert!(!found.sentence.contains('\n'), "one sentence: {}", found.sentence);
    assert!(found.sentence.len() < 500, "{}", found.sentence);
    assert_eq!(found.requests, requests, "requests for {code}");
}

/// In a thread of its own, because its short timeout would suffer from the others in the same one.
#[tokio::test]
async fn an_answer_that_never_comes_has_a_code_of_its_own_a_sentence_and_bounded_requests()
-> Result<()> {
    is_told_as(&verdict(Reply::Hang).await?, TIMEOUT, "no answer within 3 s", ATTEMPTS);
    Ok(())
}

#[tokio::test]
async fn a_reset_connection_and_an_absent_server_are_told_apart() -> Result<()> {
    let server = B3Server::with_sample().await?;
    server.reply(Reply::Reset);
    let reset = fetch(server.base_url(), Duration::from_secs(1), PATIENCE)
        .await?
        .err()
        .context("an answer")?;
    assert_eq!(reset.failure().code.name(), "b3-connection-broken", "{reset}");

    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let nobody = fetch(&format!("http://127.0.0.1:{port}"), Duration::from_secs(1), PATIENCE)
        .await?
        .err()
        .context("an answer")?;
    assert_eq!(nobody.failure().code.name(), "b3-unreachable", "{nobody}");
    for error in [reset, nobody] {
        assert_eq!(usize::try_from(error.attempts)?, ATTEMPTS, "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_that_passes_is_followed_by_the_portfolio() -> Result<()> {
    let server = B3Server::with_sample().await?;
    server.reply_next([Reply::Html, Reply::Status(503), Reply::Reset]);
    let fetched = fetch(server.base_url(), Duration::from_secs(5), PATIENCE).await??;
    let (portfolio, warnings) = fetched.portfolio?;
    assert_eq!((portfolio.constituents.len(), warnings.len()), (82, 0));
    assert_eq!(server.requests().len(), 3, "the reset one was never read");
    Ok(())
}

#[tokio::test]
async fn pages_smaller_than_what_was_asked_for_are_followed_to_the_last() -> Result<()> {
    let server = B3Server::start().await?;
    let day = Day::sample()?;
    server.publish("IBOV", day.clone());
    server.cap_page_size(7);
    let fetched = fetch(server.base_url(), Duration::from_secs(5), PATIENCE).await??;
    let asked: Vec<usize> = server.requests().iter().map(|request| request.page_number).collect();
    assert_eq!(asked, (1..=12).collect::<Vec<_>>());
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.page_size == 1000 && request.language == "pt-br")
    );
    let served: Vec<String> = (1..=12).map(|page| day.page(page, 7).to_string()).collect();
    assert_eq!(fetched.envelope.pages, served, "every body, byte for byte");
    assert_eq!(fetched.portfolio?.0.constituents.len(), 82);
    Ok(())
}

#[tokio::test]
async fn a_slow_server_is_given_up_at_the_deadline() -> Result<()> {
    const DEADLINE: Duration = Duration::from_secs(4);
    let server = B3Server::with_sample().await?;
    server.reply(Reply::Slow(PATIENCE));
    let error = fetch(server.base_url(), Duration::from_secs(2), DEADLINE)
        .await?
        .err()
        .context("an answer")?;
    assert_eq!(error.failure().code.name(), "b3-timeout", "{error}");
    assert!(server.requests().len() < ATTEMPTS, "attempts that did not fit in");
    let alone = fetch(server.base_url(), PATIENCE, DEADLINE).await?.err().context("an answer")?;
    assert!(
        matches!(alone.cause, SourceErrorCause::Timeout(waited) if waited <= DEADLINE),
        "no request is given more than what is left: {alone}"
    );
    Ok(())
}

#[tokio::test]
async fn a_portfolio_of_too_many_pages_is_refused_after_the_first() -> Result<()> {
    let server = B3Server::with_sample().await?;
    server.cap_page_size(1);
    let fetched = fetch(server.base_url(), Duration::from_secs(20), PATIENCE).await??;
    assert_eq!(server.requests().len(), 1);
    let refused = fetched.portfolio.err().context("a portfolio")?;
    assert_eq!(refused.consequences().code.name(), "too-many-pages", "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_knows_one_page_only_is_not_asked_for_all_of_them() -> Result<()> {
    let server = B3Server::with_sample().await?;
    let mut page = Day::sample()?.page(1, PAGE);
    page["page"]["totalPages"] = 50.into();
    server.reply(Reply::Body(page.to_string().into()));
    let fetched = fetch(server.base_url(), Duration::from_secs(20), PATIENCE).await??;
    let refused = fetched.portfolio.err().context("a portfolio")?;
    assert_eq!(refused.consequences().code.name(), "pages-overlap", "{refused}");
    assert_eq!(server.requests().len(), 2 * ATTEMPTS);
    Ok(())
}

#[tokio::test]
async fn pages_that_are_too_long_together_are_not_kept() -> Result<()> {
    let server = B3Server::with_sample().await?;
    let padding = "x".repeat(MAX_BODY_BYTES - 1_000);
    let page = |number| {
        let rows = r#"[{"cod":"PETR4"}]"#;
        let body = format!(
            r#"{{"page":{{"totalRecords":9,"totalPages":9}},"header":{{}},"results":{rows},"x":"{number}{padding}"}}"#
        );
        Reply::Body(body.into())
    };
    server.reply_next((1..=9).map(page));
    let error = fetch(server.base_url(), Duration::from_secs(20), PATIENCE).await?;
    let error = error.err().context("an answer")?;
    assert_eq!(error.failure().code.name(), "b3-body-too-long", "{error}");
    assert!(error.to_string().contains("all pages up to this one"), "{error}");
    assert_eq!(server.requests().len(), MAX_ANSWER_BYTES / MAX_BODY_BYTES + 1);
    Ok(())
}

#[tokio::test]
async fn an_answer_is_as_old_as_the_request_that_it_answers() -> Result<()> {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let server = B3Server::with_sample().await?;
    server.reply_next([Reply::Hang]);
    let before = Utc::now();
    let fetched = fetch(server.base_url(), TIMEOUT, PATIENCE).await??;
    assert!(fetched.envelope.fetched_at >= before + TIMEOUT, "the first request was not the one");
    Ok(())
}
