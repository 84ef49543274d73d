//! Copying the lake out of the emulator, so that its files outlive it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use harness::{
    checkout::{Workspace, lock_file},
    stack::Stack,
};

/// The parts of the lake that people look at.
const PREFIXES: [&str; 3] = ["landing/", "raw/", "refined/"];

/// Replaces `.ibov/lake` by the objects of the stack's bucket, under the same keys. Returns the folder and the files.
pub(super) async fn copy(stack: &Stack, workspace: &Workspace) -> Result<(PathBuf, Vec<PathBuf>)> {
    let (lake, fresh) =
        (workspace.private("lake"), workspace.private(&format!("lake.{}", std::process::id())));
    remove(&fresh)?;
    let mut files = Vec::new();
    for prefix in PREFIXES {
        for key in stack.keys(prefix).await? {
            let relative = relative(&key)?;
            let file = fresh.join(&relative);
            fs::create_dir_all(file.parent().unwrap_or(&fresh))?;
            fs::write(&file, stack.read(&key).await?)
                .with_context(|| format!("cannot write {}", file.display()))?;
            files.push(lake.join(relative));
        }
    }
    let _lock = lock_file(&workspace.private("lake.lock"), || {}).await?;
    remove(&lake)?;
    fs::rename(&fresh, &lake).with_context(|| format!("cannot replace {}", lake.display()))?;
    Ok((lake, files))
}

/// Refuses a key that would lead out of the folder.
fn relative(key: &str) -> Result<PathBuf> {
    if key.split('/').any(|part| part == ".." || part.is_empty()) {
        bail!("object {key:?} has no place in a folder");
    }
    Ok(PathBuf::from(key))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_the_folder() {
        assert!(relative("refined/Data=2026-11-20/Setor=Saúde%2FX/part-0.parquet").is_ok());
        assert!(relative("raw/../../etc/passwd").is_err());
        assert!(relative("/etc/passwd").is_err());
    }
}
