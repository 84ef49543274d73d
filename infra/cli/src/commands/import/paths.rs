//! Which files are meant.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::output::text;

const ENDINGS: [&str; 3] = [".json", ".json.gz", ".csv"];

/// The files that are named, and those in the folders that are named and in the folders below these, in order. A folder
/// that cannot be read, or has no such file, comes with the reason.
pub(super) fn expand(named: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        match files_of(path, &mut found) {
            Err(error) => failed.push((path.clone(), error.to_string())),
            Ok(()) if found.is_empty() => {
                let endings = ENDINGS.join(", ");
                let reason =
                    text!(en: "the folder has no {endings}", pt: "a pasta não tem {endings}");
                failed.push((path.clone(), reason));
            }
            Ok(()) => {
                found.sort();
                files.extend(found);
            }
        }
    }
    files.dedup();
    (files, failed)
}

fn files_of(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            files_of(&path, found)?;
        } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(())
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
}
