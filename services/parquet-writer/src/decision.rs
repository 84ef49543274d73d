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

use shared::lake::LandingKey;

/// The raw object of a date, as HEAD shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its ETag.
    pub etag: String,
    /// The landing object that it was made from; `None` if it was not written by us.
    pub landing: Option<LandingKey>,
    /// The hash of its bytes; `None` if it was not written by us.
    pub file_hash: Option<String>,
}

/// The condition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is still no object.
    StillAbsent,
    /// The object is still the one with this ETag.
    StillETag(String),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write, if the condition holds.
    Write(Condition),
    /// The very bytes are there.
    AlreadyWritten,
    /// What is there was made from a newer landing object.
    Older,
}

/// Compares what is there with the file made from `landing`.
#[must_use]
pub fn decide(recorded: Option<Recorded>, landing: &LandingKey, file_hash: &str) -> Decision {
    let Some(recorded) = recorded else {
        return Decision::Write(Condition::StillAbsent);
    };
    match recorded.landing {
        Some(there) if there.stamp > landing.stamp => Decision::Older,
        Some(there)
            if there.stamp == landing.stamp && recorded.file_hash.as_deref() == Some(file_hash) =>
        {
            Decision::AlreadyWritten
        }
        _ => Decision::Write(Condition::StillETag(recorded.etag)),
    }
}

#[cfg(test)]
mod tests;
