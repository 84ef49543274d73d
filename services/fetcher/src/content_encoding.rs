//! Decompresses the body of an answer.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// What B3 may use.
pub(crate) const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// An encoding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(ascii_case_insensitive)]
pub(crate) enum ContentEncoding {
    #[strum(to_string = "gzip", serialize = "x-gzip")]
    Gzip,
    #[strum(serialize = "deflate")]
    Deflate,
    #[strum(serialize = "br")]
    Brotli,
    #[strum(serialize = "zstd")]
    Zstd,
}

/// A body that cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDecoded {
    #[error("the body is longer than it may be")]
    TooLong,
    #[error(transparent)]
    OtherEncoding(#[from] OtherEncoding),
}

/// A body that breaks off, or is in another encoding than its header names.
#[derive(Debug, thiserror::Error)]
#[error("the body is not what its Content-Encoding {named} says: {cause}")]
pub struct OtherEncoding {
    named: &'static str,
    #[source]
    cause: io::Error,
}

impl ContentEncoding {
    /// Decompresses a body to at most `limit` bytes. Some servers name an encoding for text that is not compressed,
    /// which stays as it is.
    pub(crate) fn decode(self, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, NotDecoded> {
        const BUFFER: usize = 4096;
        let bytes = body.as_slice();
        let decompressed = match self {
            Self::Gzip => read(MultiGzDecoder::new(bytes), limit),
            Self::Deflate => read(ZlibDecoder::new(bytes), limit),
            Self::Brotli => read(Decompressor::new(bytes, BUFFER), limit),
            Self::Zstd => zstd::Decoder::with_buffer(bytes).and_then(|zstd| read(zstd, limit)),
        };
        match decompressed {
            Ok(text) if text.len() > limit => Err(NotDecoded::TooLong),
            Ok(text) => Ok(text),
            Err(_) if str::from_utf8(bytes).is_ok() => Ok(body),
            Err(cause) => Err(OtherEncoding { named: self.into(), cause }.into()),
        }
    }
}

/// At most one byte more than `limit`, to tell that there are more.
fn read(decoder: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let longest = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(longest).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_decompressed_up_to_the_limit() {
        assert_eq!(ContentEncoding::Gzip.decode(gzip(b"{}"), 2).unwrap(), b"{}");
        let longer = ContentEncoding::Gzip.decode(gzip(b"{} "), 2);
        assert!(matches!(longer, Err(NotDecoded::TooLong)), "{longer:?}");
    }

    #[test]
    fn text_that_is_not_compressed_stays_as_it_is() {
        for name in ACCEPTED.split(", ") {
            let encoding: ContentEncoding = name.parse().unwrap();
            let text = encoding.decode(b"{\"x\": 1}".to_vec(), 100).unwrap();
            assert_eq!(text, b"{\"x\": 1}", "{name}");
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_unknown_ones_are_left_to_others() {
        assert_eq!("X-GZIP".parse(), Ok(ContentEncoding::Gzip));
        assert!("compress".parse::<ContentEncoding>().is_err());
        assert!("identity".parse::<ContentEncoding>().is_err());
    }

    #[test]
    fn a_body_that_breaks_off_is_refused_by_the_name_of_its_encoding() {
        let mut body = gzip(b"{\"x\": 1}");
        body.truncate(body.len() - 4);
        let error = ContentEncoding::Gzip.decode(body, 100).unwrap_err().to_string();
        assert!(
            error.starts_with("the body is not what its Content-Encoding gzip says: "),
            "{error}"
        );
    }
}
