//! The lakes of this machine. Each holds one sort of data, so that B3's days never mix with others.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use chrono::Utc;
use harness::checkout::{Workspace, lock_file};
use serde::{Deserialize, Serialize};

use crate::output::text;

/// The folder in a lake that holds no objects.
const PRIVATE: &str = ".ibov";
/// The file in it that says what the lake holds.
const CONTENTS: &str = "contents.json";

/// What a lake holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) origin: Origin,
    pub(crate) index: String,
    pub(crate) segment: String,
}

/// Who gave the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    B3,
    Sample,
    AnotherServer,
}

impl Contents {
    /// The folder unless `--lake` names one. What another server answers has none: it lies in the folder of its run.
    pub(crate) fn usual_folder(&self, workspace: &Workspace) -> Option<PathBuf> {
        let Self { origin, index, segment } = self;
        let name = match origin {
            Origin::B3 if index == "IBOV" && segment == "2" => {
                return Some(workspace.private("lake"));
            }
            Origin::B3 => index,
            Origin::Sample => "sample",
            Origin::AnotherServer => return None,
        };
        let suffix = if segment == "2" { String::new() } else { format!("-segment-{segment}") };
        Some(workspace.private(&format!("lakes/{name}{suffix}")))
    }

    fn describe(&self) -> String {
        let Self { origin, index, segment } = self;
        let origin = match origin {
            Origin::B3 => text!(en: "of B3", pt: "da B3"),
            Origin::Sample => text!(en: "of the bundled sample", pt: "do exemplo incluído"),
            Origin::AnotherServer => {
                text!(en: "of another server than B3's", pt: "de outro servidor que não o da B3")
            }
        };
        text!(
            en: "answers {origin} for {index}, segment {segment}",
            pt: "respostas {origin} para {index}, segmento {segment}",
        )
    }
}

/// A lake that only this process uses until the value is dropped.
#[derive(Debug)]
pub(crate) struct Lake {
    folder: PathBuf,
    _lock: File,
}

impl Lake {
    /// Opens a folder for `contents`, which is created if it is not there. Waits while another process uses it.
    ///
    /// # Errors
    /// If the folder holds something else.
    pub(crate) async fn open(
        folder: &Path,
        contents: &Contents,
        waiting: impl FnOnce(),
    ) -> Result<Self> {
        let private = folder.join(PRIVATE);
        let note = private.join(CONTENTS);
        if !note.exists() && holds_anything(folder) {
            let folder = folder.display();
            bail!(text!(
                en: "{folder} is not empty and no lake; name an empty folder, or one that a run has written",
                pt: "{folder} não está vazia e não é um lake; indique uma pasta vazia, ou uma que uma execução gravou",
            ));
        }
        fs::create_dir_all(&private)
            .with_context(|| format!("cannot write in {}", folder.display()))?;
        let lock = lock_file(&private.join("lock"), waiting).await?;
        match fs::read_to_string(&note) {
            Ok(text) => {
                let found: Contents = serde_json::from_str(&text)
                    .with_context(|| format!("{} is not readable", note.display()))?;
                if found != *contents {
                    let (place, found, ours) =
                        (folder.display(), found.describe(), contents.describe());
                    bail!(text!(
                        en: "the lake {place} holds {found}, and {ours} do not belong there: name another folder with --lake",
                        pt: "o lake {place} guarda {found}, e {ours} não cabem ali: indique outra pasta com --lake",
                    ));
                }
            }
            Err(_) => {
                let text = serde_json::to_string(contents)?;
                fs::write(&note, text)
                    .with_context(|| format!("cannot write {}", note.display()))?;
            }
        }
        Ok(Self { folder: folder.to_path_buf(), _lock: lock })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes all objects.
    pub(crate) fn empty(&self) -> Result<()> {
        for entry in entries(&self.folder).filter(|path| !path.ends_with(PRIVATE)) {
            let removed =
                if entry.is_dir() { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
            removed.with_context(|| format!("cannot remove {}", entry.display()))?;
        }
        Ok(())
    }
}

/// What a folder holds. `None` if it is no lake, or has no day.
pub(crate) fn contents(folder: &Path) -> Result<Option<Contents>> {
    if days(folder) > 0 { note(folder) } else { Ok(None) }
}

/// What a folder is for. `None` if it is no lake.
pub(crate) fn note(folder: &Path) -> Result<Option<Contents>> {
    let note = folder.join(PRIVATE).join(CONTENTS);
    let Ok(text) = fs::read_to_string(&note) else { return Ok(None) };
    let contents = serde_json::from_str(&text);
    Ok(Some(contents.with_context(|| format!("{} is not readable", note.display()))?))
}

/// The folder's number of refined days.
pub(crate) fn days(folder: &Path) -> usize {
    entries(&folder.join("refined")).count()
}

/// Whether an answer lies in the folder.
pub(crate) fn has_answers(folder: &Path) -> bool {
    entries(&folder.join("landing")).next().is_some()
}

/// Earlier versions copied the last run to `.ibov/lake`, whatever it was of. Such a copy is moved out of the way, and its
/// new place returned.
pub(crate) fn move_copy_of_earlier_version(folder: &Path) -> Result<Option<PathBuf>> {
    if folder.join(PRIVATE).exists() || !has_answers(folder) {
        return Ok(None);
    }
    let place =
        folder.with_file_name(format!("lake-before-{}", Utc::now().format("%Y%m%dT%H%M%S")));
    fs::rename(folder, &place).with_context(|| format!("cannot move {}", folder.display()))?;
    Ok(Some(place))
}

fn holds_anything(folder: &Path) -> bool {
    entries(folder).any(|path| !path.ends_with(PRIVATE))
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(origin: Origin, index: &str, segment: &str) -> Contents {
        Contents { origin, index: index.to_owned(), segment: segment.to_owned() }
    }

    #[test]
    fn every_origin_index_and_segment_has_a_lake_of_its_own() {
        let workspace = Workspace::locate().unwrap();
        let folder =
            |origin, index, segment| contents(origin, index, segment).usual_folder(&workspace);
        let private = |name| Some(workspace.private(name));
        assert_eq!(folder(Origin::B3, "IBOV", "2"), private("lake"));
        assert_eq!(folder(Origin::B3, "IBOV", "1"), private("lakes/IBOV-segment-1"));
        assert_eq!(folder(Origin::B3, "SMLL", "2"), private("lakes/SMLL"));
        assert_eq!(folder(Origin::Sample, "IBOV", "2"), private("lakes/sample"));
        assert_eq!(folder(Origin::Sample, "IBOV", "1"), private("lakes/sample-segment-1"));
        assert_eq!(folder(Origin::AnotherServer, "IBOV", "2"), None);
    }

    #[tokio::test]
    async fn a_lake_takes_only_what_it_holds_already() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("lake");
        let ours = contents(Origin::B3, "IBOV", "2");
        drop(Lake::open(&folder, &ours, || {}).await.unwrap());
        drop(Lake::open(&folder, &ours, || {}).await.unwrap());
        for other in [
            contents(Origin::AnotherServer, "IBOV", "2"),
            contents(Origin::Sample, "IBOV", "2"),
            contents(Origin::B3, "IBOV", "1"),
            contents(Origin::B3, "SMLL", "2"),
        ] {
            let error = Lake::open(&folder, &other, || {}).await.unwrap_err().to_string();
            assert!(error.contains("holds answers of B3 for IBOV, segment 2"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_folder_with_other_files_is_no_lake() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("lake");
        fs::create_dir_all(folder.join("photos")).unwrap();
        let ours = contents(Origin::AnotherServer, "IBOV", "2");
        let error = Lake::open(&folder, &ours, || {}).await.unwrap_err().to_string();
        assert!(error.contains("is not empty and no lake"), "{error}");
        assert!(!folder.join(PRIVATE).exists());
    }

    #[tokio::test]
    async fn emptying_leaves_the_note_and_the_lock() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("lake");
        let lake =
            Lake::open(&folder, &contents(Origin::Sample, "IBOV", "2"), || {}).await.unwrap();
        fs::create_dir_all(folder.join("landing/index=IBOV")).unwrap();
        fs::create_dir_all(folder.join("refined/Data=2026-11-20")).unwrap();
        assert!(has_answers(&folder) && days(&folder) == 1);
        lake.empty().unwrap();
        assert!(!has_answers(&folder) && days(&folder) == 0);
        assert!(folder.join(PRIVATE).join("contents.json").exists());
    }

    #[test]
    fn the_copy_of_an_earlier_version_is_moved_and_a_lake_stays() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("lake");
        fs::create_dir_all(folder.join("landing/index=IBOV")).unwrap();
        let moved = move_copy_of_earlier_version(&folder).unwrap().unwrap();
        assert!(has_answers(&moved) && !folder.exists());
        fs::create_dir_all(folder.join("landing/index=IBOV")).unwrap();
        fs::create_dir_all(folder.join(PRIVATE)).unwrap();
        assert_eq!(move_copy_of_earlier_version(&folder).unwrap(), None);
    }
}
