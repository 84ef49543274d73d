//! Decides whether a landing object's raw file replaces the existing one.
//!
//! A writer first writes on the condition that there is no raw object. If there is one, its metadata names the landing
//! object that it was made from: the writer reads the metadata (HEAD), decides, and writes on the condition that the
//! object is still the same. The footer of the file also holds the
//! landing key, so files of different landing objects never have the same ETag, and a condition that holds means that
//! no other writer was in between. A writer whose condition fails starts over. Hence:
//!
//! - an older landing object never replaces the file of a newer one;
//! - a newer one replaces the file even with the same content, so that the recorded key is up to date;
//! - the same one replaces the file only if the bytes differ, so that a later version of this program can correct the
//!   files of an earlier one.

use shared::{
    aws::{Condition, Head},
    raw::RawMetadata,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Write(Condition),
    /// The raw object already has these bytes.
    AlreadyWritten,
    /// The raw object was made from a newer landing object.
    Older,
}

/// Compares the raw object of a date, if there is one, with the file to be written.
pub(crate) fn decide(raw: Option<Head>, file: &RawMetadata) -> Decision {
    let Some(Head { etag, metadata }) = raw else {
        return Decision::Write(Condition::Absent);
    };
    match RawMetadata::parse(&metadata) {
        Some(written) if written.landing.stamp > file.landing.stamp => Decision::Older,
        Some(written)
            if written.landing.stamp == file.landing.stamp && written.file == file.file =>
        {
            Decision::AlreadyWritten
        }
        _ => Decision::Write(Condition::Unchanged(etag)),
    }
}

#[cfg(test)]
mod tests;
