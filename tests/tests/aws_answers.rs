//! Error responses of SQS and S3, read by the real clients: whether the message is tried again.

use anyhow::{Context as _, Result};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use harness::aws::local_config;
use parquet_writer::lake::Lake;
use shared::{
    aws::{Cause, s3_client},
    lake::RawKey,
    stage::{Kind, Parked, Queues as _, SqsQueues},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Answers every request alike.
struct Service {
    endpoint: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Service {
    async fn answering(status: u16, headers: HeaderMap, body: String) -> Result<Self> {
        let answer = (StatusCode::from_u16(status)?, headers, body);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(move || std::future::ready(answer.clone()));
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { endpoint, server })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// SQS names an error twice: in JSON by the name in its model, and in a header by its older code.
async fn sqs(status: u16, shape: &str, code: &str) -> Result<Service> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/x-amz-json-1.0".parse()?);
    headers.insert("x-amzn-query-error", format!("{code};Sender").parse()?);
    let body = format!(r#"{{"__type":"com.amazonaws.sqs#{shape}","message":"scripted"}}"#);
    Service::answering(status, headers, body).await
}

async fn s3(status: u16, code: &str) -> Result<Service> {
    let body = format!("<Error><Code>{code}</Code><Message>scripted</Message></Error>");
    Service::answering(status, HeaderMap::new(), body).await
}

#[tokio::test]
async fn what_sqs_says_decides_whatever_the_status() -> Result<()> {
    for (status, shape, code, cause) in [
        (403, "RequestThrottled", "RequestThrottled", Cause::Busy),
        (400, "KmsThrottled", "KMS.ThrottlingException", Cause::Busy),
        (403, "ExpiredTokenException", "ExpiredToken", Cause::Credentials),
        (403, "AccessDeniedException", "AccessDenied", Cause::Denied),
        (400, "SomethingNew", "SomethingNew", Cause::Unknown),
        (400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", Cause::NotFound),
        (400, "InvalidMessageContents", "InvalidMessageContents", Cause::Invalid),
    ] {
        let service = sqs(status, shape, code).await?;
        let client = aws_sdk_sqs::Client::new(&local_config(&service.endpoint));
        let url = format!("{}/000000000000/some-dlq", service.endpoint);
        let queues = SqsQueues::new(client, url.clone(), url);
        let message = Parked { body: "{}".to_owned(), attributes: Vec::new() };
        let error = queues.park(&message).await.err().context("it was sent")?;
        assert_eq!(error.cause, cause, "{status} {code}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn expired_credentials_and_codes_that_nobody_knows_are_tried_again() -> Result<()> {
    for (status, code, kind) in [
        (400, "ExpiredToken", Kind::Transient),
        (400, "RequestTimeout", Kind::Transient),
        (403, "RequestTimeTooSkewed", Kind::Transient),
        (403, "SomethingNew", Kind::Transient),
        (404, "SomethingNew", Kind::Transient),
        (403, "AccessDenied", Kind::Denied),
        (403, "InvalidObjectState", Kind::Refused),
        (404, "NoSuchBucket", Kind::Refused),
    ] {
        let service = s3(status, code).await?;
        let lake = lake(&service).await;
        let landing =
            "landing/index=IBOV/date=2026-11-20/20261120T130003.123Z-0123456789abcdef.json";
        let error = lake.read_landing(&landing.parse()?).await.err().context("it was read")?;
        assert_eq!(shared::stage::StageError::kind(&error), kind, "{status} {code}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_to_head_has_no_code() -> Result<()> {
    let raw: RawKey = "raw/date=2026-11-20/ibov_setor.parquet".parse()?;
    for (status, kind) in [
        (400, Kind::Transient),
        (403, Kind::Denied),
        (429, Kind::Transient),
        (503, Kind::Transient),
    ] {
        let service = Service::answering(status, HeaderMap::new(), String::new()).await?;
        let error = lake(&service).await.head_raw(&raw).await.err().context("it is there")?;
        assert_eq!(error.kind(), kind, "{status}: {error}");
    }
    let service = Service::answering(404, HeaderMap::new(), String::new()).await?;
    assert_eq!(lake(&service).await.head_raw(&raw).await?, None);
    Ok(())
}

async fn lake(service: &Service) -> Lake {
    let config = local_config(&service.endpoint);
    Lake::new(s3_client(&config), "some-lake".to_owned())
}
