//! Recorded answers of B3. They are not part of the checkout and may be absent.

use std::{env, fs, path::PathBuf};

use anyhow::{Context as _, Result};

use crate::local;

#[derive(Debug, Clone)]
pub struct Recording {
    /// Name of the file.
    pub name: String,
    pub body: String,
}

/// All recordings, ordered by name. Without a folder of recordings it says so and returns `None`.
///
/// The folder is `../shared/data/b3`, or the one that `IBOV_B3_RECORDINGS` names.
pub fn all() -> Result<Option<Vec<Recording>>> {
    let Some(folder) = folder()? else { return Ok(None) };
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

/// The files of B3's site among the recordings, ordered by name. `None` as for [`all`].
pub fn csv_files() -> Result<Option<Vec<PathBuf>>> {
    let Some(folder) = folder()? else { return Ok(None) };
    let mut files = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            files.push(path);
        }
    }
    files.sort();
    Ok(Some(files))
}

fn folder() -> Result<Option<PathBuf>> {
    let folder = match env::var_os("IBOV_B3_RECORDINGS") {
        Some(folder) => PathBuf::from(folder),
        None => local::in_workspace("../shared/data/b3")?,
    };
    if !folder.is_dir() {
        println!("skipped: there are no recordings in {}", folder.display());
        return Ok(None);
    }
    Ok(Some(folder))
}

impl Recording {
    /// Whether this is a day portfolio. The others answer other requests.
    pub fn is_portfolio_day(&self) -> bool {
        self.name.starts_with("IBOV-")
    }
}
