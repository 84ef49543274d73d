//! What Glue may answer, and what comes of it: above all, that a run is never asked for twice.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    extract::State as Shared,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use harness::aws::local_config;
use refine::{AwsState, State as _};
use serde_json::json;
use shared::{aws::Cause, settings::Environment};
use tokio::{net::TcpListener, task::JoinHandle};

/// Answers in turn, and the last one again and again; counts the requests.
struct Glue {
    state: AwsState,
    requests: Arc<Mutex<usize>>,
    server: JoinHandle<std::io::Result<()>>,
}

type Script = (Arc<Mutex<VecDeque<(u16, &'static str)>>>, Arc<Mutex<usize>>);

async fn answer(Shared((answers, requests)): Shared<Script>) -> impl IntoResponse {
    *requests.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
    let (status, error) = answer.unwrap_or((500, "InternalFailure"));
    let body = match status {
        202 => json!({}),
        200 => json!({"JobRunId": "jr_1", "JobRuns": [{"Id": "jr_1", "JobRunState": "RUNNING"}]}),
        _ => json!({"__type": error, "Message": "scripted"}),
    };
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string())
}

impl Glue {
    async fn answering(answers: &[(u16, &'static str)]) -> Result<Self> {
        let requests = Arc::new(Mutex::new(0));
        let script = (Arc::new(Mutex::new(answers.iter().copied().collect())), requests.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(script);
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { state: state(&endpoint)?, requests, server })
    }

    fn requests(&self) -> usize {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(&self) -> Result<Option<String>, Cause> {
        self.state.start(&[].into()).await.map_err(|error| error.cause)
    }
}

/// Glue at an endpoint. The lake is not asked.
fn state(endpoint: &str) -> Result<AwsState> {
    let settings = [("S3_BUCKET", "lake"), ("FILENAME", "a.parquet"), ("GLUE_JOB_NAME", "job")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = Environment::from_iter(settings);
    Ok(AwsState::from_environment(&environment, &local_config(endpoint)?)?)
}

impl Drop for Glue {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn a_run_is_asked_for_once_whatever_glue_answers() -> Result<()> {
    for (status, error, cause) in [
        (400, "ThrottlingException", Cause::Busy),
        (400, "ResourceNumberLimitExceededException", Cause::Busy),
        (400, "AccessDeniedException", Cause::Denied),
        (400, "EntityNotFoundException", Cause::NotFound),
        (400, "InvalidInputException", Cause::Invalid),
        (400, "ExpiredTokenException", Cause::Credentials),
        // Of these it cannot be told whether a run was started.
        (500, "InternalServiceException", Cause::Unavailable),
        (400, "OperationTimeoutException", Cause::Unavailable),
        (503, "ServiceUnavailable", Cause::Unavailable),
        (400, "SomethingNew", Cause::Unknown),
        (202, "no run id", Cause::Unavailable),
    ] {
        let glue = Glue::answering(&[(status, error)]).await?;
        assert_eq!(glue.start().await, Err(cause), "{error}");
        assert_eq!(glue.requests(), 1, "{error}");
    }
    for (answer, started) in
        [((200, ""), Some("jr_1".to_owned())), ((400, "ConcurrentRunsExceededException"), None)]
    {
        let glue = Glue::answering(&[answer]).await?;
        assert_eq!(glue.start().await, Ok(started));
        assert_eq!(glue.requests(), 1);
    }
    let nobody = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?;
    let error = state(&format!("http://{nobody}"))?.start(&[].into()).await.err();
    assert_eq!(error.map(|error| error.cause), Some(Cause::Unavailable), "nobody listens");
    Ok(())
}

#[tokio::test]
async fn runs_are_asked_for_again_where_glue_is_busy() -> Result<()> {
    let glue = Glue::answering(&[(400, "ThrottlingException"), (200, "")]).await?;
    let runs = glue.state.runs().await.context("Glue was busy once")?;
    assert_eq!(runs.into_iter().map(|run| run.id).collect::<Vec<_>>(), ["jr_1"]);
    assert_eq!(glue.requests(), 2);
    Ok(())
}
