//! The root certificates that a function trusts: the system's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//!
//! Loading them is most of what a cold start costs. They are loaded once.

mod named;
mod untrusted;

use std::{
    env,
    sync::{Arc, LazyLock},
};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

pub use named::check;
pub use rustls::Error;
pub use untrusted::Untrusted;

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
    let named = [named::FILE, named::FOLDERS].iter().any(|name| env::var_os(name).is_some());
    if !named && cfg!(target_os = "linux") {
        // Distributions keep the same certificates once more in a folder, in a file for each, which takes longer to
        // read than all else at the start.
        let bundle = load_certs_from_paths(openssl_probe::probe().cert_file.as_deref(), None);
        if !bundle.certs.is_empty() {
            return bundle;
        }
    }
    load_native_certs()
}

/// The configuration of an HTTP/1.1 client: rustls on aws-lc-rs.
///
/// # Errors
/// Would be a bug: rustls supports its own default versions.
pub(crate) fn client_config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(Arc::clone(&ROOTS)).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_has_root_certificates() {
        assert!(!ROOTS.is_empty());
    }
}
