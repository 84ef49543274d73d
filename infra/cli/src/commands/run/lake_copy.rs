//! Copies the lake out of the emulator, so that the files outlive it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use harness::{
    checkout::{Workspace, lock},
    stack::Stack,
};

/// What a lake is made of, as far as people look at it.
const PREFIXES: [&str; 3] = ["landing/", "raw/", "refined/"];

/// Replaces `.ibov/lake` by what is in the stack's bucket, under the same keys. Returns the folder and the files.
///
/// # Errors
/// When an object cannot be read or a file not written.
pub(crate) async fn copy(stack: &Stack, workspace: &Workspace) -> Result<(PathBuf, Vec<PathBuf>)> {
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
    let _held = lock(&workspace.private("lake.lock"), || {}).await?;
    remove(&lake)?;
    fs::rename(&fresh, &lake).with_context(|| format!("cannot replace {}", lake.display()))?;
    Ok((lake, files))
}

/// A key is not trusted to stay below the folder.
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
