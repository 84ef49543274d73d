//! The requests of the SDK, sent by reqwest.
//!
//! The SDK's own client would be a second one beside B3's, with connections and root certificates of its own, and with
//! HTTP/2, which no service that is called here speaks.

use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use reqwest::{Body, Client, Request, Response};

/// The SDK's clients send their requests with `client`, whose own timeout for connecting applies.
pub fn http_client(client: Client) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(client));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let response = client.execute(of_sdk(request)?).await.map_err(failure)?;
            for_sdk(response)
        })
    }
}

fn of_sdk(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let body = |body: SdkBody| match body.bytes() {
        // With its length known, it is not sent in chunks.
        Some(bytes) => Body::from(bytes.to_vec()),
        None => Body::wrap(body),
    };
    request.map(body).try_into().map_err(|error: reqwest::Error| ConnectorError::user(error.into()))
}

fn for_sdk(response: Response) -> Result<HttpResponse, ConnectorError> {
    let response = http::Response::<Body>::from(response).map(SdkBody::from_body_1_x);
    response.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))
}

/// What the SDK's retries go by.
fn failure(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use crate::{
        aws::{Bucket as _, Get, S3Bucket, sdk_config},
        http,
        settings::Environment,
    };

    /// Answers every request on a connection: an object of two bytes, and to HEAD, as S3 does, its length only.
    fn answer(mut connection: TcpStream) {
        let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = connection.read(&mut buffer) {
            received.extend_from_slice(&buffer[..length]);
            if received.ends_with(b"\r\n\r\n") {
                let body = if received.starts_with(b"HEAD") { "" } else { "{}" };
                let head = "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 2\r\n\r\n";
                let _ = connection.write_all(format!("{head}{body}").as_bytes());
                received.clear();
            }
        }
    }

    /// A service in threads of its own, as a remote one: its URL, and how many connections it has accepted.
    fn service() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        thread::spawn(move || {
            for connection in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || answer(connection.unwrap()));
            }
        });
        (url, accepted)
    }

    #[tokio::test]
    async fn calls_one_after_the_other_share_a_connection_from_the_first_on_also_across_clients() {
        let (url, accepted) = service();
        let variables = [("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", url.as_str())];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let client = http::client().unwrap();
        let sdk = sdk_config(&Environment::from_iter(variables), &client).unwrap();
        let credentials = aws_sdk_s3::config::Credentials::for_tests();
        let credentials = aws_sdk_s3::config::SharedCredentialsProvider::new(credentials);
        let sdk = sdk.into_builder().credentials_provider(credentials).build();
        for _ in 0..2 {
            let bucket = S3Bucket::new(&sdk, "lake".to_owned());
            for _ in 0..5 {
                assert_eq!(bucket.get("key", 2).await.unwrap(), Get::Bytes(b"{}".to_vec()));
                bucket.head("key").await.unwrap().unwrap();
            }
        }
        assert_eq!(accepted.load(Ordering::SeqCst), 1);
    }
}
