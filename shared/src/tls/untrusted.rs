//! Why the certificate of a server was refused.

use std::{error::Error, io, iter::successors};

use rustls::CertificateError;

/// A server's certificate that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Mostly the certificate of a proxy that reads HTTPS, as companies have them.
    #[error(
        "the certificate that answers is not trusted, because no root certificate here stands behind it; if a proxy on the way reads HTTPS, name a file with its root certificate in SSL_CERT_FILE"
    )]
    UnknownRoot,
    /// It has expired, is of another host, or the like.
    #[error("the certificate that answers is not trusted: {0}")]
    Invalid(String),
}

impl Untrusted {
    /// Looks for a refused certificate among the causes of an error.
    pub fn among_causes(error: &(dyn Error + 'static)) -> Option<Self> {
        successors(Some(error), |error| cause(*error)).find_map(|error| {
            match error.downcast_ref::<rustls::Error>()? {
                // A signature is bad if a root has the name of the one that is needed, but an older key.
                rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ) => Some(Self::UnknownRoot),
                rustls::Error::InvalidCertificate(reason) => {
                    Some(Self::Invalid(reason.to_string()))
                }
                _ => None,
            }
        })
    }
}

/// An I/O error shows the error in it as its text, but passes over it among its sources.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inside) => Some(inside),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_certificate_is_found_however_deep_it_is_wrapped() {
        let refused = |reason| rustls::Error::InvalidCertificate(reason);
        let wrapped = |error| io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        for reason in [CertificateError::UnknownIssuer, CertificateError::BadSignature] {
            let unknown = wrapped(refused(reason));
            assert_eq!(Untrusted::among_causes(&unknown), Some(Untrusted::UnknownRoot));
        }
        let expired = Untrusted::among_causes(&wrapped(refused(CertificateError::Expired)));
        assert!(matches!(expired, Some(Untrusted::Invalid(_))), "{expired:?}");
    }

    #[test]
    fn other_failures_are_not_put_down_to_a_certificate() {
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(Untrusted::among_causes(&broken), None);
        let handshake = io::Error::other(rustls::Error::HandshakeNotComplete);
        assert_eq!(Untrusted::among_causes(&handshake), None);
    }
}
