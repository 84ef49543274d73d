//! The connections to AWS.

use std::time::Duration;

use aws_smithy_http_client::{
    ConnectorBuilder, HttpClientError,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use crate::tls;

/// Who loads the root certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roots {
    /// The SDK, for itself.
    OfSdk,
    /// [`tls`], for all HTTP clients of the function.
    Shared,
}

/// The SDK as it is would make a connector for each client, with connections of its own, and one more at the start to
/// see whether it can; each reads the root certificates. This is one for all. `connect_timeout` includes the handshake.
///
/// # Errors
/// Would be a bug: every certificate of [`tls`] has been read before.
pub(super) fn client(
    roots: Roots,
    connect_timeout: Duration,
) -> Result<SharedHttpClient, HttpClientError> {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout).build();
    let roots = match roots {
        Roots::OfSdk => TrustStore::default(),
        Roots::Shared => TrustStore::empty().with_pem_certificate(tls::roots_as_pem()),
    };
    let connector = ConnectorBuilder::default()
        .connector_settings(settings)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(TlsContext::builder().with_trust_store(roots).build()?)
        .build();
    let connector = SharedHttpConnector::new(connector);
    Ok(http_client_fn(move |_, _| connector.clone()))
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

    use super::*;
    use crate::{
        aws::{Bucket as _, Get, S3Bucket, sdk_config},
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
        let sdk = sdk_config(&Environment::from_iter(variables), Roots::OfSdk).unwrap();
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

    #[test]
    fn the_sdk_takes_the_roots_that_are_loaded_already() {
        assert!(tls::roots_as_pem().contains("BEGIN CERTIFICATE"), "this system has no roots");
        client(Roots::Shared, Duration::from_secs(1)).unwrap();
        assert_eq!(tls::client_config().unwrap().alpn_protocols, [b"http/1.1"]);
    }
}
