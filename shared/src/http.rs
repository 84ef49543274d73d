//! The HTTP client of a function: one for B3 and for AWS, so that both share connections and root certificates.

use std::time::Duration;

use reqwest::{ClientBuilder, redirect::Policy};

pub use reqwest::Client;

use crate::tls;

/// For a connection and its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// There is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    #[error(transparent)]
    Tls(#[from] tls::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// A client that follows no redirect and decodes no body, by way of the proxies that `HTTPS_PROXY` and its like name.
///
/// # Errors
/// Would be a bug.
pub fn client() -> Result<Client, NoClient> {
    Ok(builder()?.build()?)
}

/// [`client`], to be changed.
///
/// # Errors
/// As for [`client`].
pub fn builder() -> Result<ClientBuilder, NoClient> {
    Ok(Client::builder()
        .tls_backend_preconfigured(tls::client_config()?)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none()))
}
