//! The HTTP client of a function: one for B3 and for AWS, so that both share connections and root certificates.
//!
//! Loading the certificates is most of what a cold start costs, and by themselves reqwest and the SDK would each do so.

use std::{
    env,
    sync::{Arc, LazyLock},
    time::Duration,
};

use reqwest::{ClientBuilder, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

pub use reqwest::Client;

/// For a connection and its TLS handshake.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// There is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// Would be a bug: rustls supports its own default versions.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// A client that follows no redirect and decodes no body, by way of the proxies that `HTTPS_PROXY` and its like name.
///
/// # Errors
/// For a proxy that is no URL.
pub fn client() -> Result<Client, NoClient> {
    Ok(builder()?.build()?)
}

/// [`client`], to be changed.
///
/// # Errors
/// Would be a bug.
pub fn builder() -> Result<ClientBuilder, NoClient> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let tls = tls.with_root_certificates(Arc::clone(&ROOTS)).with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none()))
}

/// The certificates that are trusted: those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else the system's.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let CertificateResult { certs, errors, .. } = certificates();
    for error in errors {
        tracing::warn!(%error, "a root certificate cannot be loaded");
    }
    let mut roots = RootCertStore::empty();
    // Systems have old certificates that rustls does not read.
    roots.add_parsable_certificates(certs);
    Arc::new(roots)
});

fn certificates() -> CertificateResult {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| env::var_os(name).is_some());
    // Linux keeps the same certificates once more, in a file for each, which takes longer to read than all else.
    let bundle = if named || !cfg!(target_os = "linux") {
        CertificateResult::default()
    } else {
        load_certs_from_paths(openssl_probe::probe().cert_file.as_deref(), None)
    };
    if bundle.certs.is_empty() { load_native_certs() } else { bundle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_has_root_certificates() {
        assert!(!ROOTS.is_empty());
        client().unwrap();
    }
}
