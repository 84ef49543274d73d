//! The two HTTP services: B3's API, and the one that scripts its replies.

use std::io;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{self, Path},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::Listener,
};
use base64::Engine as _;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{
    day::{Day, thousands},
    reply::Reply,
    state::{ReceivedRequest, State},
};

const HTML: &str =
    "<!DOCTYPE html><html><head><title>B3</title></head><body>Sistema em manutenção</body></html>";

/// One request per connection, so that a scripted reset hits exactly one request.
const CLOSE: (HeaderName, &str) = (header::CONNECTION, "close");

pub(super) async fn serve<L: Listener<Addr: std::fmt::Debug>>(service: Router, listener: L) {
    if let Err(error) = axum::serve(listener, service).await {
        eprintln!("stand-in B3 server: {error}");
    }
}

pub(super) fn api(state: State) -> Router {
    Router::new()
        .route("/", get(|| async { html(StatusCode::OK) }))
        .route("/error", get(|| async { html(StatusCode::OK) }))
        .route("/indexProxy/indexCall/GetPortfolioDay/{*request}", get(portfolio_day))
        .with_state(state)
}

pub(super) fn control(state: State) -> Router {
    Router::new().route("/answer", post(set_reply)).route("/date", post(set_date)).with_state(state)
}

async fn set_reply(extract::State(state): extract::State<State>, name: String) -> Response {
    match name.parse() {
        Ok(reply) => {
            let mut script = state.lock();
            script.next.clear();
            script.always = reply;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}

async fn set_date(extract::State(state): extract::State<State>, date: String) -> Response {
    match date.parse() {
        Ok(date) => {
            state.lock().date = Some(date);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(_) => (StatusCode::BAD_REQUEST, format!("{date:?} is no date such as 2026-11-25"))
            .into_response(),
    }
}

async fn portfolio_day(
    extract::State(state): extract::State<State>,
    Path(encoded): Path<String>,
) -> Response {
    let Some(request) = decode(&encoded) else {
        return html(StatusCode::BAD_REQUEST);
    };
    let (reply, day, cap) = {
        let mut script = state.lock();
        script.requests.push(request.clone());
        (script.take_reply(), script.day(&request.index), script.page_cap)
    };
    let page_size = cap.unwrap_or(request.page_size).min(request.page_size);
    respond(reply, day, request, page_size).await
}

fn decode(encoded: &str) -> Option<ReceivedRequest> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    serde_json::from_slice(&bytes).ok()
}

async fn respond(
    reply: Reply,
    day: Option<Day>,
    request: ReceivedRequest,
    page_size: usize,
) -> Response {
    let Some(day) = day else {
        return unless_broken(reply, unknown_index(&request)).await;
    };
    let mut day = if request.segment == "1" { day.without_sectors() } else { day };
    if request.language == "en-us" || reply == Reply::EnglishShapes {
        day = day.in_english();
    }
    let several_pages = page_size.min(day.results.len().div_ceil(2));
    let body = match reply {
        Reply::WrongTotals => wrong_totals(day).page(request.page_number, page_size),
        Reply::MissingPage => missing_page(&day, request.page_number, several_pages),
        Reply::DateChangesBetweenPages => next_day_on_later_pages(day, request.page_number)
            .page(request.page_number, several_pages),
        Reply::NullResults => with_results(day.page(request.page_number, page_size), Value::Null),
        Reply::EmptyResults => with_results(day.page(request.page_number, page_size), json!([])),
        Reply::Portfolio
        | Reply::EnglishShapes
        | Reply::Html
        | Reply::Status(_)
        | Reply::RedirectToErrorPage
        | Reply::Truncated
        | Reply::Slow(_)
        | Reply::Hang
        | Reply::Reset
        | Reply::Body(_)
        | Reply::Response { .. } => day.page(request.page_number, page_size),
    };
    unless_broken(reply, body).await
}

/// Sends `body`, unless the reply goes wrong below the level of JSON.
async fn unless_broken(reply: Reply, body: Value) -> Response {
    match reply {
        Reply::Html => html(StatusCode::OK),
        Reply::Status(code) => {
            html(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
        Reply::RedirectToErrorPage => {
            (StatusCode::FOUND, [(header::LOCATION, "/error"), CLOSE]).into_response()
        }
        Reply::Truncated => truncated(&body.to_string()),
        Reply::Body(bytes) => json_response(bytes),
        Reply::Response { status, headers, body } => exactly(status, &headers, body),
        Reply::Hang => std::future::pending().await,
        Reply::Slow(delay) => {
            tokio::time::sleep(delay).await;
            json_response(body.to_string())
        }
        Reply::Portfolio
        | Reply::EnglishShapes
        | Reply::WrongTotals
        | Reply::MissingPage
        | Reply::DateChangesBetweenPages
        | Reply::NullResults
        | Reply::EmptyResults
        | Reply::Reset => json_response(body.to_string()),
    }
}

fn html(status: StatusCode) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), CLOSE], HTML).into_response()
}

fn json_response(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8"), CLOSE], body).into_response()
}

fn exactly(status: u16, headers: &[(&'static str, &'static str)], body: Vec<u8>) -> Response {
    let mut response = json_response(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn truncated(body: &str) -> Response {
    let length = body.len().to_string();
    let half = Bytes::copy_from_slice(body.as_bytes().get(..body.len() / 2).unwrap_or_default());
    // The pause lets the first half leave: an error right after it would discard both.
    let end = async {
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    let stream = futures::stream::iter([Ok(half)]).chain(futures::stream::once(end));
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8".to_owned()),
        (header::CONTENT_LENGTH, length),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

fn unknown_index(request: &ReceivedRequest) -> Value {
    json!({
        "page": {"pageNumber": request.page_number, "pageSize": request.page_size, "totalRecords": 0, "totalPages": 0},
        "header": {"date": null, "text": null, "part": null, "partAcum": null, "textReductor": null, "reductor": null, "theoricalQty": null},
        "results": null,
    })
}

fn with_results(mut body: Value, results: Value) -> Value {
    if let Some(object) = body.as_object_mut() {
        object.insert("results".to_owned(), results);
    }
    body
}

fn wrong_totals(mut day: Day) -> Day {
    let digits: String = day.header.theorical_qty.chars().filter(char::is_ascii_digit).collect();
    day.header.theorical_qty = thousands(digits.parse().unwrap_or(0) + 1);
    day
}

fn missing_page(day: &Day, page_number: usize, page_size: usize) -> Value {
    let page = day.page(page_number, page_size);
    if page_number > 1 { with_results(page, json!([])) } else { page }
}

fn next_day_on_later_pages(day: Day, page_number: usize) -> Day {
    match day.date().ok().and_then(|date| date.succ_opt()) {
        Some(next) if page_number > 1 => day.dated(next),
        Some(_) | None => day,
    }
}
