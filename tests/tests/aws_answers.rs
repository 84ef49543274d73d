//! What SQS and S3 may answer on the wire, read by the real clients: whether a message that meets it comes again.

use anyhow::{Context as _, Result};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use harness::aws::local_config;
use shared::{
    aws::{Bucket as _, Cause, S3Bucket},
    failure::{Class, StageError as _},
    queues::{Parked, Queues as _, SqsQueues},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Gives every request the same answer.
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

/// SQS names an error twice: in JSON by the shape of its model, and in a header by its older code.
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
        let url = format!("{}/000000000000/some-dlq", service.endpoint);
        let queues = SqsQueues::new(&local_config(&service.endpoint)?, url.clone(), url);
        let message = Parked { body: "{}".to_owned(), attributes: Vec::new() };
        let error = queues.park(&message).await.err().context("it was sent")?;
        assert_eq!(error.cause, cause, "{status} {code}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn expired_credentials_and_codes_that_nobody_knows_are_tried_again() -> Result<()> {
    for (status, code, class) in [
        (400, "ExpiredToken", Class::Transient),
        (400, "RequestTimeout", Class::Transient),
        (403, "RequestTimeTooSkewed", Class::Transient),
        (403, "SomethingNew", Class::Transient),
        (404, "SomethingNew", Class::Transient),
        (403, "AccessDenied", Class::Denied),
        (403, "InvalidObjectState", Class::Permanent),
        (404, "NoSuchBucket", Class::Permanent),
    ] {
        let service = s3(status, code).await?;
        let error = bucket(&service)?.get("landing/x", 1).await.err().context("it was read")?;
        assert_eq!(error.failure().class, class, "{status} {code}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_to_head_has_no_code() -> Result<()> {
    for (status, class) in [
        (400, Class::Transient),
        (403, Class::Denied),
        (429, Class::Transient),
        (503, Class::Transient),
    ] {
        let service = Service::answering(status, HeaderMap::new(), String::new()).await?;
        let error = bucket(&service)?.head("raw/x").await.err().context("it is there")?;
        assert_eq!(error.failure().class, class, "{status}: {error}");
    }
    let service = Service::answering(404, HeaderMap::new(), String::new()).await?;
    assert_eq!(bucket(&service)?.head("raw/x").await?, None);
    Ok(())
}

fn bucket(service: &Service) -> Result<S3Bucket> {
    Ok(S3Bucket::new(&local_config(&service.endpoint)?, "some-lake".to_owned()))
}
