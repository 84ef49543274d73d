//! Files that are there whole or not at all.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use harness::language::text;

/// Writes a file, and replaces the one that has the name only when everything is written.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let failed = || {
        let path = path.display();
        text!(en: "cannot write {path}", pt: "não foi possível gravar {path}")
    };
    // A link stays one: what it names is replaced. What is no file, such as /dev/stdout, cannot be.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fs::write(&target, content).with_context(failed);
    }
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = target.with_file_name(name);
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, &target));
    if written.is_err() {
        let _is_not_there = fs::remove_file(&part);
    }
    written.with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        write_file(&path, b"a long first version").unwrap();
        write_file(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let lost = write_file(&folder.path().join("none/x.csv"), b"").unwrap_err();
        assert!(lost.to_string().contains("none/x.csv"), "{lost}");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        let path = folder.path().join("x.csv");
        write_file(&path, b"first").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_file(&link, b"second").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"second");
    }
}
