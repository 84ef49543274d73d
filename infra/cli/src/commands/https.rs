//! What to do when there is no HTTPS to B3.

use shared::tls::Untrusted;

use crate::output::text;

/// What to do about a certificate that was refused, if that is why a request failed.
pub(super) fn untrusted(error: &reqwest::Error) -> Option<String> {
    Some(match Untrusted::among_causes(error)? {
        Untrusted::UnknownRoot => text!(
            en: "the certificate that answers for B3 is not trusted: if a proxy here reads HTTPS, name a file with its root certificate in SSL_CERT_FILE",
            pt: "o certificado que responde pela B3 não é confiável: se um proxy daqui inspeciona HTTPS, informe um arquivo com o certificado raiz dele em SSL_CERT_FILE",
        ),
        Untrusted::Invalid(reason) => text!(
            en: "the certificate that answers for B3 is not trusted: {reason}",
            pt: "o certificado que responde pela B3 não é confiável: {reason}",
        ),
    })
}
