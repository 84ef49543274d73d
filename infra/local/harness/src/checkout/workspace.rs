//! Where things are in a checkout.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use chrono::Utc;

/// Folders of finished runs that are kept for their logs.
const RUNS_KEPT: usize = 10;

/// What only a checkout of this project has, all at once.
const MARKS: [&str; 4] =
    ["Cargo.toml", "infra/template.yaml", "infra/cli/Cargo.toml", "infra/local/requirements.txt"];

/// A checkout of the project, and the git-ignored folder `.ibov` in it.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that this program belongs to, wherever it lies today: Cargo does not build a program anew when
    /// its checkout was copied or moved together with `target/`, so nothing that was compiled in can say.
    ///
    /// # Errors
    /// When it belongs to none, or nothing can be written there.
    pub fn locate() -> Result<Self> {
        let places = [
            // What Cargo says of the package whose program or test it runs.
            std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            // Started by its path, it lies in the target directory of its checkout.
            std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf())),
            // Unless that directory is elsewhere.
            std::env::current_dir().ok(),
        ];
        let root = places.iter().flatten().find_map(|place| checkout_around(place));
        let root = root.context(
            "this program lies in no checkout of the project; run it as `cargo ibov`, or change to a checkout first",
        )?;
        fs::create_dir_all(root.join(".ibov"))
            .with_context(|| format!("cannot write in {}", root.display()))?;
        Ok(Self { root })
    }

    /// The top of the checkout.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the top.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path below `.ibov`.
    #[must_use]
    pub fn private(&self, relative: &str) -> PathBuf {
        self.root.join(".ibov").join(relative)
    }

    /// `infra/template.yaml`.
    #[must_use]
    pub fn template(&self) -> PathBuf {
        self.path("infra/template.yaml")
    }

    /// The interpreter of the virtual environment.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.private("venv/bin/python")
    }

    /// Makes the folder of a new run, and removes those of old ones.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new_run(&self) -> Result<RunDir> {
        // Several runs of one process may begin in the same millisecond.
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let stamp = Utc::now().format("%Y%m%dT%H%M%S%.3f");
        let runs = self.private("runs");
        let path = runs.join(format!("{stamp}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let held = File::create(path.join("lock"))?;
        held.try_lock().with_context(|| format!("cannot lock {}", path.display()))?;
        remove_old(&runs);
        Ok(RunDir { path, _held: held })
    }
}

/// The innermost checkout that a path lies in.
fn checkout_around(place: &Path) -> Option<PathBuf> {
    let place = place.canonicalize().ok()?;
    place
        .ancestors()
        .find(|folder| MARKS.iter().all(|mark| folder.join(mark).is_file()))
        .map(Path::to_path_buf)
}

/// The folder of one run: the emulator's state and all logs. Held for as long as this lives.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _held: File,
}

impl RunDir {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes all but the newest folders, sparing those of runs that are still up. Failing to is no reason to fail.
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

/// Takes an exclusive lock on a file, calling `waiting` once if another process holds it.
///
/// # Errors
/// When the file cannot be made or locked.
pub async fn lock(path: &Path, waiting: impl FnOnce()) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut waiting = Some(waiting);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_found_from_anywhere_in_it_and_nothing_else_is_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (outer, inner) = (top.join("ibov"), top.join("ibov/target/mutants/checkout"));
        for checkout in [&outer, &inner] {
            for mark in MARKS {
                fs::create_dir_all(checkout.join(mark).parent().unwrap()).unwrap();
                fs::write(checkout.join(mark), "").unwrap();
            }
        }
        assert_eq!(checkout_around(&outer), Some(outer.clone()));
        assert_eq!(checkout_around(&outer.join("infra/cli/Cargo.toml")), Some(outer.clone()));
        assert_eq!(checkout_around(&outer.join("target/mutants")), Some(outer.clone()));
        assert_eq!(checkout_around(&inner.join("infra")), Some(inner.clone()));
        assert_eq!(checkout_around(&outer.join("no/such/folder")), None);
        fs::remove_file(outer.join("infra/template.yaml")).unwrap();
        assert_eq!(checkout_around(&outer), None);
    }

    #[test]
    fn old_runs_go_and_running_ones_stay() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: root.path().to_path_buf() };
        let held = workspace.new_run().unwrap();
        for number in 0..RUNS_KEPT + 3 {
            fs::create_dir_all(workspace.private(&format!("runs/3000-{number:02}"))).unwrap();
        }
        drop(workspace.new_run().unwrap());
        assert!(held.path().exists());
        assert!(!workspace.private("runs/3000-00").exists());
        assert!(workspace.private(&format!("runs/3000-{:02}", RUNS_KEPT + 2)).exists());
    }
}
