//! The language of mails. Documents for programs, log lines and codes are the same in both.

use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    /// As written in Brazil.
    Portuguese,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mails are written in en or pt")]
pub(crate) struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        match text {
            "en" => Ok(Self::English),
            "pt" => Ok(Self::Portuguese),
            _ => Err(UnknownLanguage),
        }
    }
}
