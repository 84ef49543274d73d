//! The origin of a raw object, recorded in its S3 metadata and in the footer of the file.

use std::collections::HashMap;

use crate::{keys::LandingKey, portfolio::ContentHash};

pub(super) const LANDING_KEY: &str = "landing-key";
/// Of the portfolio.
pub(super) const CONTENT_HASH: &str = "content-hash";
/// Of the file's bytes.
const FILE_HASH: &str = "file-hash";

/// The S3 metadata of a raw object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMetadata {
    /// Source of the file.
    pub landing: LandingKey,
    /// Of the portfolio.
    pub content: Option<ContentHash>,
    /// Of the file's bytes.
    pub file: Option<ContentHash>,
}

impl RawMetadata {
    pub fn of(content: ContentHash, landing: LandingKey, file: &[u8]) -> Self {
        Self { landing, content: Some(content), file: Some(ContentHash::of_bytes(file)) }
    }

    /// `None` for an object not written by parquet-writer.
    pub fn parse(metadata: &HashMap<String, String>) -> Option<Self> {
        let hash = |name| metadata.get(name)?.parse().ok();
        Some(Self {
            landing: metadata.get(LANDING_KEY)?.parse().ok()?,
            content: hash(CONTENT_HASH),
            file: hash(FILE_HASH),
        })
    }

    pub fn to_map(&self) -> HashMap<String, String> {
        let Self { landing, content, file } = self;
        let hashes = [(CONTENT_HASH, content), (FILE_HASH, file)];
        let hashes = hashes.into_iter().filter_map(|(name, hash)| Some((name, hash.as_ref()?)));
        let mut metadata = HashMap::from([(LANDING_KEY.to_owned(), landing.to_string())]);
        metadata.extend(hashes.map(|(name, hash)| (name.to_owned(), hash.to_string())));
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{landing_key, portfolio};

    #[test]
    fn metadata_survives_being_written_and_read() {
        let portfolio = portfolio();
        let landing = landing_key(&portfolio, 1);
        let written = RawMetadata::of(ContentHash::of(&portfolio), landing, b"PAR1");
        assert_eq!(written.to_map().len(), 3);
        assert_eq!(RawMetadata::parse(&written.to_map()), Some(written));
    }

    #[test]
    fn an_object_without_a_landing_key_is_foreign() {
        let portfolio = portfolio();
        let landing = landing_key(&portfolio, 1);
        let mut metadata = RawMetadata::of(ContentHash::of(&portfolio), landing, b"PAR1").to_map();
        metadata.insert(LANDING_KEY.to_owned(), "of another program".to_owned());
        assert_eq!(RawMetadata::parse(&metadata), None);
        assert_eq!(RawMetadata::parse(&HashMap::new()), None);
    }

    #[test]
    fn an_object_without_hashes_still_says_which_landing_object_it_was_made_from() {
        let landing = landing_key(&portfolio(), 1);
        let metadata = HashMap::from([(LANDING_KEY.to_owned(), landing.to_string())]);
        let read = RawMetadata::parse(&metadata).unwrap();
        assert_eq!(read, RawMetadata { landing, content: None, file: None });
    }
}
