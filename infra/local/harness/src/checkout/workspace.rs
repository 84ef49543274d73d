use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Files that together exist only in a checkout of this project.
const MARKS: [&str; 4] =
    ["Cargo.toml", "infra/template.yaml", "infra/cli/Cargo.toml", "infra/local/requirements.txt"];

/// Paths in a checkout of the project and in its git-ignored folder `.ibov`.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the checkout that this program belongs to. It is looked for at run time because Cargo does not rebuild a
    /// program whose checkout was copied or moved together with `target/`: a compiled-in path would be the old one.
    pub fn locate() -> Result<Self> {
        let places = [
            // Set by Cargo for the package whose program or test it runs.
            env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            // A program that is started by its path lies in the target directory of its checkout,
            env::current_exe().ok().and_then(|program| Some(program.parent()?.to_path_buf())),
            // unless that directory is elsewhere.
            env::current_dir().ok(),
        ];
        let root = places.iter().flatten().find_map(|place| checkout_around(place));
        let root = root.context(
            "this program lies in no checkout of the project; run it as `cargo ibov`, or change to a checkout first",
        )?;
        fs::create_dir_all(root.join(".ibov"))
            .with_context(|| format!("cannot write in {}", root.display()))?;
        Ok(Self { root })
    }

    #[cfg(test)]
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path below `.ibov`.
    pub fn private(&self, relative: &str) -> PathBuf {
        self.root.join(".ibov").join(relative)
    }

    pub fn template(&self) -> PathBuf {
        self.path("infra/template.yaml")
    }

    /// The interpreter of the virtual environment.
    pub fn python(&self) -> PathBuf {
        self.private("venv/bin/python")
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
}
