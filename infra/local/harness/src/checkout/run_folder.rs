use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use chrono::Utc;

use super::Workspace;

/// How many folders of finished runs stay for their logs.
const RUNS_KEPT: usize = 10;

/// The folder of one run with the emulator's state and all logs, locked until this is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Creates the folder of a new run, and removes those of old runs.
    pub fn create(workspace: &Workspace) -> Result<Self> {
        // Several runs of one process may begin in the same millisecond.
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let stamp = Utc::now().format("%Y%m%dT%H%M%S%.3f");
        let runs = workspace.private("runs");
        let path = runs.join(format!("{stamp}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let lock = File::create(path.join("lock"))?;
        lock.try_lock().with_context(|| format!("cannot lock {}", path.display()))?;
        remove_old(&runs);
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes all but the newest folders, except those of runs that are still up. What cannot be removed stays.
fn remove_old(runs: &Path) {
    let Ok(entries) = fs::read_dir(runs) else { return };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let excess = folders.len().saturating_sub(RUNS_KEPT);
    for folder in folders.into_iter().take(excess) {
        let unused = File::open(folder.join("lock")).map_or(true, |lock| lock.try_lock().is_ok());
        if unused {
            let _left_behind = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_runs_go_and_running_ones_stay() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let running = RunFolder::create(&workspace).unwrap();
        for number in 0..RUNS_KEPT + 3 {
            fs::create_dir_all(workspace.private(&format!("runs/3000-{number:02}"))).unwrap();
        }
        drop(RunFolder::create(&workspace).unwrap());
        assert!(running.path().exists());
        assert!(!workspace.private("runs/3000-00").exists());
        assert!(workspace.private(&format!("runs/3000-{:02}", RUNS_KEPT + 2)).exists());
    }
}
