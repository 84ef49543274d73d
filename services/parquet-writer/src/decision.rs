//! Whether a landing object's raw file is written over what is there.
//!
//! The raw object's metadata names the landing object that it was made from. A writer reads it (HEAD),
//! decides, and writes on the condition that the object is still the one it read. The footer holds the
//! landing key too, so two files of different landing objects never have the same ETag, and a condition
//! that holds means that nobody wrote in between. A writer whose condition fails reads again. Hence:
//!
//! - an older landing object never overwrites what a newer one wrote;
//! - a newer one with the same content is written too, so that the recorded key moves on;
//! - the same one writes again only if the bytes would differ, which is how a later version of this
//!   program corrects what an earlier one wrote.

use shared::{
    aws::{Condition, Head},
    raw::RawMetadata,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Write, if the condition holds.
    Write(Condition),
    /// The raw object has these bytes already.
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
