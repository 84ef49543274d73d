//! Decompresses the body of an answer.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// What B3 may use.
pub(crate) const ACCEPTED: &str = "gzip, br, zstd, deflate";

/// An encoding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(ascii_case_insensitive)]
pub(crate) enum ContentEncoding {
    #[strum(serialize = "gzip", serialize = "x-gzip")]
    Gzip,
    #[strum(serialize = "deflate")]
    Deflate,
    #[strum(serialize = "br")]
    Brotli,
    #[strum(serialize = "zstd")]
    Zstd,
}

/// A body that is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl ContentEncoding {
    /// Decompresses a body to at most `limit` bytes. `None` if it breaks off, or is not in this encoding.
    pub(crate) fn decode(self, body: &[u8], limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
        const BUFFER: usize = 4096;
        let decoded = match self {
            Self::Gzip => read(MultiGzDecoder::new(body), limit),
            Self::Deflate => read(ZlibDecoder::new(body), limit),
            Self::Brotli => read(Decompressor::new(body, BUFFER), limit),
            Self::Zstd => zstd::Decoder::with_buffer(body).and_then(|zstd| read(zstd, limit)),
        };
        match decoded {
            Ok(text) if text.len() > limit => Err(TooLong),
            Ok(text) => Ok(Some(text)),
            Err(_) => Ok(None),
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
        assert_eq!(ContentEncoding::Gzip.decode(&gzip(b"{}"), 2), Ok(Some(b"{}".to_vec())));
        assert_eq!(ContentEncoding::Gzip.decode(&gzip(b"{} "), 2), Err(TooLong));
    }

    #[test]
    fn names_are_read_in_any_case_and_unknown_ones_are_left_to_others() {
        assert_eq!("X-GZIP".parse(), Ok(ContentEncoding::Gzip));
        assert!("compress".parse::<ContentEncoding>().is_err());
        assert!("identity".parse::<ContentEncoding>().is_err());
    }

    #[test]
    fn what_breaks_off_or_is_plain_text_is_not_taken_for_a_text_of_the_encoding() {
        for name in ACCEPTED.split(", ") {
            let encoding: ContentEncoding = name.parse().unwrap();
            assert_eq!(encoding.decode(b"{\"x\": 1}", 100), Ok(None), "{name}");
        }
        let mut body = gzip(b"{\"x\": 1}");
        body.truncate(body.len() - 4);
        assert_eq!(ContentEncoding::Gzip.decode(&body, 100), Ok(None));
    }
}
