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
const LOCK: &str = "lock";
/// What stays in the folder of a run that has ended: its logs, its mails, and its objects if no other folder has them.
const KEPT: [&str; 6] = ["emulator.log", "glue", "lake", LOCK, "logs", "outbox.jsonl"];

/// The folder of one run with the emulator's state and all logs, locked until this is dropped. Then only logs are left.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Creates the folder of a new run. Removes those of old runs, and what runs left that were killed.
    pub fn create(workspace: &Workspace) -> Result<Self> {
        // Several runs of one process may begin in the same millisecond.
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let stamp = Utc::now().format("%Y%m%dT%H%M%S%.3f");
        let runs = workspace.private("runs");
        let path = runs.join(format!("{stamp}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let lock = File::create(path.join(LOCK))?;
        // Another run may hold it for the moment in which it looks what is there.
        lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        clear(&runs);
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what is no log. The run must have ended.
    pub fn keep_logs(&self) {
        keep_logs(&self.path);
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        self.keep_logs();
    }
}

/// Removes all but the newest folders, and from these all but the logs, except those of runs that are still up. What
/// cannot be removed stays.
fn clear(runs: &Path) {
    let Ok(entries) = fs::read_dir(runs) else { return };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let excess = folders.len().saturating_sub(RUNS_KEPT);
    for (number, folder) in folders.iter().enumerate() {
        // Held meanwhile, lest a run begin in it.
        let lock = File::open(folder.join(LOCK));
        let is_unused = lock.as_ref().map_or(true, |lock| lock.try_lock().is_ok());
        if is_unused && number < excess {
            let _left_behind = fs::remove_dir_all(folder);
        } else if is_unused && lock.is_ok() {
            keep_logs(folder);
        }
    }
}

/// Removes the functions, temporary files and scripts of a run. What cannot be removed stays.
fn keep_logs(folder: &Path) {
    let is_kept = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| KEPT.contains(&name))
    };
    let other = entries(folder).filter(|path| !is_kept(path));
    // A Glue run that was killed left the folder of its script.
    let scripts = entries(&folder.join("glue")).filter(|path| path.is_dir());
    for path in other.chain(scripts) {
        let _left_behind =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that the emulator and the harness write in the folder of a run.
    fn fill(folder: &Path) {
        for file in [
            "emulator.log",
            "failpoints/ibov-fetcher/before put",
            "functions/fetcher",
            "glue/jr_1.log",
            "glue/jr_2/script.py",
            "lake/landing/a.json",
            "logs/ibov-fetcher.log",
            "outbox.jsonl",
            "tmp/ministack-provided-code-4566/abc/bootstrap",
        ] {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for path in entries(folder) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                found.extend(files(&path).iter().map(|file| format!("{name}/{file}")));
                found.push(format!("{name}/"));
            } else {
                found.push(name);
            }
        }
        found.sort();
        found
    }

    const LEFT: [&str; 10] = [
        "emulator.log",
        "glue/",
        "glue/jr_1.log",
        "lake/",
        "lake/landing/",
        "lake/landing/a.json",
        "lock",
        "logs/",
        "logs/ibov-fetcher.log",
        "outbox.jsonl",
    ];

    #[test]
    fn a_run_leaves_its_logs_and_its_objects() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&Workspace::at(root.path())).unwrap();
        let path = run.path().to_path_buf();
        fill(&path);
        drop(run);
        assert_eq!(files(&path), LEFT);
    }

    #[test]
    fn what_a_killed_run_left_goes_when_the_next_one_begins_and_a_running_one_keeps_everything() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let killed = workspace.private("runs/2000-killed");
        let beginning = workspace.private("runs/2000-without-lock");
        for folder in [&killed, &beginning] {
            fill(folder);
        }
        fs::write(killed.join(LOCK), "").unwrap();
        let running = RunFolder::create(&workspace).unwrap();
        fill(running.path());
        let everything = files(running.path());
        drop(RunFolder::create(&workspace).unwrap());
        assert_eq!(files(&killed), LEFT);
        assert_eq!(files(running.path()), everything);
        assert!(beginning.join("functions/fetcher").exists(), "it may be about to take its lock");
    }

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
