//! Which files are meant.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::output::text;

const ENDINGS: [&str; 3] = [".json", ".json.gz", ".csv"];

/// The files that are named, and those in the folders that are named and in the folders below these, in order. What
/// cannot be read, or is a folder without such a file, comes with the reason.
pub(super) fn expand(named: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let mut walk = Walk::default();
    for path in named {
        if path.is_dir() {
            walk.folder(path);
        } else {
            walk.files.push(path.clone());
        }
    }
    // By whichever names and links.
    let mut seen = HashSet::new();
    walk.files.retain(|file| seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone())));
    (walk.files, walk.failed)
}

#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    failed: Vec<(PathBuf, String)>,
    /// The folders below the named one that were read: a link to a folder above would lead around for ever.
    read: HashSet<PathBuf>,
}

impl Walk {
    /// A folder that was named.
    fn folder(&mut self, folder: &Path) {
        self.read.clear();
        let (mut found, failed) = (Vec::new(), self.failed.len());
        self.below(folder, &mut found);
        if found.is_empty() && self.failed.len() == failed {
            let endings = ENDINGS.join(", ");
            let reason = text!(en: "the folder has no {endings}", pt: "a pasta não tem {endings}");
            self.failed.push((folder.to_path_buf(), reason));
        }
        found.sort();
        self.files.extend(found);
    }

    fn below(&mut self, folder: &Path, found: &mut Vec<PathBuf>) {
        let entries = fs::canonicalize(folder).and_then(|canonical| {
            let entries = fs::read_dir(folder)?;
            Ok(self.read.insert(canonical).then_some(entries))
        });
        let entries = match entries {
            Ok(Some(entries)) => entries,
            Ok(None) => return,
            Err(error) => return self.failed.push((folder.to_path_buf(), error.to_string())),
        };
        for entry in entries {
            let (path, is_folder) = match entry.and_then(kind) {
                Ok(kind) => kind,
                Err(error) => {
                    self.failed.push((folder.to_path_buf(), error.to_string()));
                    continue;
                }
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if name.starts_with('.') {
                continue;
            }
            if is_folder {
                self.below(&path, found);
            } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
}

/// Whether an entry is a folder, or leads to one. A link that leads nowhere is a file that cannot be read.
fn kind(entry: fs::DirEntry) -> io::Result<(PathBuf, bool)> {
    let (path, kind) = (entry.path(), entry.file_type()?);
    let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
    Ok((path, is_folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_means_its_answers_and_files_and_a_name_means_itself() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path();
        for name in ["b.csv", "a.JSON", "c.json.gz", "notes.txt", ".hidden.csv", "below/d.csv"] {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        fs::create_dir(folder.join("empty")).unwrap();
        let named = [folder.to_path_buf(), folder.join("notes.txt"), folder.join("empty")];
        let (files, failed) = expand(&named);
        let names: Vec<_> =
            files.iter().map(|file| file.strip_prefix(folder).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.JSON", "b.csv", "below/d.csv", "c.json.gz", "notes.txt"]);
        assert_eq!(
            failed,
            [(folder.join("empty"), "the folder has no .json, .json.gz, .csv".to_owned())]
        );
    }

    #[test]
    fn each_folder_is_read_once_whichever_links_lead_there() {
        let top = tempfile::tempdir().unwrap();
        let (folder, below) = (top.path(), top.path().join("below"));
        fs::create_dir(&below).unwrap();
        fs::write(below.join("a.csv"), "").unwrap();
        std::os::unix::fs::symlink(folder, below.join("up")).unwrap();
        let named = [folder.to_path_buf(), below.clone(), below.join("a.csv")];
        assert_eq!(expand(&named), (vec![below.join("a.csv")], vec![]));
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_named_and_keeps_no_other_out() {
        let top = tempfile::tempdir().unwrap();
        let (folder, gone) = (top.path(), top.path().join("gone"));
        fs::write(folder.join("a.csv"), "").unwrap();
        let (mut walk, mut found) = (Walk::default(), vec![]);
        walk.below(&gone, &mut found);
        walk.below(folder, &mut found);
        assert_eq!(found, [folder.join("a.csv")]);
        assert_eq!(walk.failed.len(), 1);
        assert_eq!(walk.failed[0].0, gone);
    }
}
