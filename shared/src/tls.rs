//! The root certificates that a function trusts: the system's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//!
//! Loading them is most of what a cold start costs, and by themselves the SDK and every other HTTP client would do so
//! again. A function with a client beside the SDK's therefore loads them here, once.

mod named;
mod untrusted;

use std::sync::{Arc, LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_native_certs::CertificateResult;

pub use named::check;
pub use rustls::Error;
pub use untrusted::Untrusted;

struct Roots {
    store: Arc<RootCertStore>,
    /// The same in the form that the SDK takes.
    pem: String,
}

static ROOTS: LazyLock<Roots> = LazyLock::new(|| {
    let CertificateResult { certs, errors, .. } = rustls_native_certs::load_native_certs();
    for error in errors {
        tracing::warn!(%error, "a root certificate cannot be loaded");
    }
    let (mut store, mut pem) = (RootCertStore::empty(), String::new());
    for certificate in certs {
        let encoded = STANDARD.encode(&certificate);
        // Systems have old certificates that rustls does not read. The SDK would panic at one.
        if store.add(certificate).is_ok() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            pem.push_str(&encoded);
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
    }
    Roots { store: Arc::new(store), pem }
});

/// The root certificates in PEM. Empty if none can be read.
pub(crate) fn roots_as_pem() -> &'static str {
    &ROOTS.pem
}

/// The configuration of an HTTP/1.1 client: rustls on aws-lc-rs, as in the SDK.
///
/// # Errors
/// Would be a bug: rustls supports its own default versions.
pub fn client_config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(Arc::clone(&ROOTS.store)).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
