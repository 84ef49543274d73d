//! A minimal checkout with the real `ibov` in its `target/`, and stand-ins for the programs that `ibov` starts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::ibov;

/// A folder, whose name holds a space, with the checkout in `original`.
#[derive(Debug)]
pub struct Skeleton {
    _folder: tempfile::TempDir,
    top: PathBuf,
}

impl Skeleton {
    /// Makes one. `emulator` is the Python program that stands in for the emulator.
    pub async fn make(emulator: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("with a space ").tempdir()?;
        let top = folder.path().canonicalize()?;
        let original = top.join("original");
        for file in ["Cargo.toml", "infra/cli/Cargo.toml", "infra/template.yaml"] {
            write(&original.join(file), "")?;
        }
        write(&original.join("infra/local/requirements.txt"), "# nothing\n")?;
        write(&original.join("infra/local/emulator/__main__.py"), emulator)?;
        write(&original.join("target/CACHEDIR.TAG"), "")?;
        fs::create_dir_all(original.join("target/debug"))?;
        install(ibov::program().await?, &original.join("target/debug/ibov")).await?;
        Ok(Self { _folder: folder, top })
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.top.join(relative)
    }

    /// Writes a shell script that can be started.
    pub async fn program(&self, relative: &str, script: &str) -> Result<PathBuf> {
        let (text, program) = (self.path(&format!("{relative}.sh")), self.path(relative));
        write(&text, script)?;
        install(&text, &program).await?;
        Ok(program)
    }

    /// A checkout's `ibov`, in English, which starts the Cargo of [`Skeleton::program`] from a folder outside.
    pub fn ibov(&self, checkout: &str) -> Command {
        let mut command = Command::new(self.path(checkout).join("target/debug/ibov"));
        command
            .current_dir(&self.top)
            .env("CARGO", self.path("cargo"))
            .env("LC_ALL", "C")
            .env_remove("CARGO_MANIFEST_DIR");
        command
    }
}

/// Copies a program by another process. If this one wrote the file, a child process that another test starts meanwhile
/// could inherit it open for writing, and the program could not be started ("text file busy").
async fn install(program: &Path, path: &Path) -> Result<()> {
    let mut command = Command::new("install");
    command.args(["-m", "755"]).arg(program).arg(path);
    ensure!(command.status().await?.success(), "cannot write {}", path.display());
    Ok(())
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file has a folder")?)?;
    Ok(fs::write(path, content)?)
}
