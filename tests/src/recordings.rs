//! Answers of B3 that were recorded, which lie beside the checkout where somebody has them.

use std::{env, fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::local;

/// One recorded body.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The file's name.
    pub name: String,
    /// The body.
    pub body: String,
}

/// All recordings, in the order of their names; `None`, and a word about it, where there are none on this machine.
///
/// `IBOV_B3_RECORDINGS` names another folder than `../shared/data/b3`.
pub fn all() -> Result<Option<Vec<Recording>>> {
    let folder = match env::var_os("IBOV_B3_RECORDINGS") {
        Some(folder) => PathBuf::from(folder),
        None => local::in_workspace("../shared/data/b3")?,
    };
    if !folder.is_dir() {
        println!("skipped: there are no recordings in {}", folder.display());
        return Ok(None);
    }
    let mut recordings = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            recordings.push(Recording { name, body: fs::read_to_string(&path)? });
        }
    }
    recordings.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Some(recordings))
}

impl Recording {
    /// Is it a day portfolio? The others are answers to other questions.
    pub fn is_portfolio_day(&self) -> bool {
        self.name.starts_with("IBOV-")
    }
}
