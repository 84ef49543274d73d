use std::time::Duration;

use base64::Engine as _;

use super::*;

fn url(server: &B3Server, page_number: usize, page_size: usize) -> String {
    let request = ReceivedRequest {
        language: "pt-br".into(),
        page_number,
        page_size,
        index: "IBOV".into(),
        segment: "2".into(),
    };
    let encoded =
        base64::engine::general_purpose::STANDARD.encode(serde_json::to_string(&request).unwrap());
    format!("{}/indexProxy/indexCall/GetPortfolioDay/{encoded}", server.base_url())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap()
}

async fn json(request: reqwest::RequestBuilder) -> serde_json::Value {
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

async fn page(server: &B3Server, page_number: usize, page_size: usize) -> serde_json::Value {
    json(client().get(url(server, page_number, page_size))).await
}

#[tokio::test]
async fn a_capped_server_says_so_and_serves_every_row_once() {
    let server = B3Server::with_sample().await.unwrap();
    server.cap_page_size(30);
    let mut codes = Vec::new();
    let pages = page(&server, 1, 1000).await["page"]["totalPages"].as_u64().unwrap();
    for number in 1..=pages {
        let body = page(&server, usize::try_from(number).unwrap(), 1000).await;
        assert_eq!(body["page"]["pageSize"], 30);
        codes.extend(
            body["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["cod"].as_str().unwrap().to_owned()),
        );
    }
    let expected: Vec<String> = Day::sample().unwrap().results.into_iter().map(|r| r.cod).collect();
    assert_eq!(codes, expected);
    assert_eq!(server.requests().len(), 4);
    assert_eq!(server.requests()[1].page_size, 1000);
}

#[tokio::test]
async fn scripted_answers_come_first_and_once() {
    let server = B3Server::with_sample().await.unwrap();
    server.reply_next([Reply::Status(520), Reply::Html, Reply::NullResults]);
    let first = client().get(url(&server, 1, 10)).send().await.unwrap();
    assert_eq!(first.status(), 520);
    let second = client().get(url(&server, 1, 10)).send().await.unwrap();
    assert!(second.status().is_success());
    assert!(second.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert!(page(&server, 1, 10).await["results"].is_null());
    assert_eq!(page(&server, 1, 10).await["results"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn broken_connections_are_errors_to_the_client() {
    let server = B3Server::with_sample().await.unwrap();
    server.reply_next([Reply::Reset]);
    assert!(client().get(url(&server, 1, 10)).send().await.is_err());
    server.reply_next([Reply::Truncated]);
    assert!(client().get(url(&server, 1, 10)).send().await.unwrap().text().await.is_err());
    server.reply_next([Reply::Hang]);
    let short = client().get(url(&server, 1, 10)).timeout(Duration::from_millis(300));
    assert!(short.send().await.unwrap_err().is_timeout());
    assert_eq!(page(&server, 1, 10).await["page"]["pageNumber"], 1);
}

#[tokio::test]
async fn a_redirect_ends_on_an_error_page() {
    let server = B3Server::with_sample().await.unwrap();
    server.reply(Reply::RedirectToErrorPage);
    let answer = client().get(url(&server, 1, 10)).send().await.unwrap();
    assert_eq!(answer.url().path(), "/error");
}

#[tokio::test]
async fn later_pages_can_be_missing_or_of_another_day() {
    let server = B3Server::with_sample().await.unwrap();
    server.reply(Reply::MissingPage);
    assert_eq!(page(&server, 1, 1000).await["page"]["totalPages"], 2);
    assert_eq!(page(&server, 2, 1000).await["results"].as_array().unwrap().len(), 0);
    server.reply(Reply::DateChangesBetweenPages);
    assert_ne!(
        page(&server, 1, 1000).await["header"]["date"],
        page(&server, 2, 1000).await["header"]["date"]
    );
}

#[tokio::test]
async fn segment_one_has_no_sectors_and_an_unknown_index_no_results() {
    let server = B3Server::with_sample().await.unwrap();
    let ask = |index: &str, segment: &str| {
        let request = serde_json::json!({"language":"pt-br","pageNumber":1,"pageSize":5,"index":index,"segment":segment}).to_string();
        let encoded = base64::engine::general_purpose::STANDARD.encode(request);
        client()
            .get(format!("{}/indexProxy/indexCall/GetPortfolioDay/{encoded}", server.base_url()))
    };
    let body = json(ask("IBOV", "1")).await;
    assert!(body["results"][0]["segment"].is_null() && body["results"][0]["partAcum"].is_null());
    let body = json(ask("NONE", "2")).await;
    assert!(body["results"].is_null());
}

#[tokio::test]
async fn orders_arrive_on_a_port_of_their_own() {
    let server = B3Server::with_sample().await.unwrap();
    let order = |name: &'static str| {
        client().post(format!("{}/answer", server.control_url())).body(name).send()
    };
    assert!(order("reset").await.unwrap().status().is_success());
    assert!(client().get(url(&server, 1, 10)).send().await.is_err());
    assert!(order("ok").await.unwrap().status().is_success());
    assert_eq!(order("nonsense").await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_sample_is_of_the_next_session_until_a_date_is_told() {
    let server = B3Server::with_sample().await.unwrap();
    let date = async || page(&server, 1, 10).await["header"]["date"].as_str().unwrap().to_owned();
    let now = next_session().format("%d/%m/%y").to_string();
    assert_eq!(date().await, now);
    let tell = |date: &'static str| {
        client().post(format!("{}/date", server.control_url())).body(date).send()
    };
    assert!(tell("2026-11-19").await.unwrap().status().is_success());
    assert_eq!(date().await, "19/11/26");
    assert_eq!(tell("19/11/26").await.unwrap().status(), 400);
}
