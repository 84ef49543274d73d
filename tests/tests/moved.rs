//! Checkouts that were copied or moved together with their `target/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context as _, Result, ensure};
use e2e::{ibov, local, skeleton::Skeleton};
use tokio::process::Command;

/// Stands in for the emulator: notes its own path and that of its Python, waits for Cargo's note, and ends.
const EMULATOR: &str = r#"
import os, sys, time

notes = os.environ["NOTES"]
with open(f"{notes}/emulator.part", "w") as note:
    print(os.path.abspath(__file__), sys.prefix, *sys.argv[1:], sep="\n", file=note)
os.replace(f"{notes}/emulator.part", f"{notes}/emulator")
while not os.path.exists(f"{notes}/cargo"):
    time.sleep(0.01)
sys.exit("noted")
"#;

/// Stands in for Cargo: notes its folder and arguments, waits for the emulator's note, and fails.
const CARGO: &str = r#"#!/bin/sh
{ pwd; printf '%s\n' "$@"; } > "$NOTES/cargo.part" && mv "$NOTES/cargo.part" "$NOTES/cargo"
while [ ! -e "$NOTES/emulator" ]; do sleep 0.01; done
exit 9
"#;

/// A checkout whose emulator and Cargo note what they are started with.
struct Noting(Skeleton);

impl Noting {
    async fn make() -> Result<Self> {
        let skeleton = Skeleton::make(EMULATOR).await?;
        skeleton.program("cargo", CARGO).await?;
        Ok(Self(skeleton))
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path(relative)
    }

    /// Starts a checkout's `ibov` from a folder outside of it, and returns the paths that were noted.
    async fn run(&self, checkout: &str) -> Result<Vec<String>> {
        let notes = self.path("notes");
        if notes.exists() {
            fs::remove_dir_all(&notes)?;
        }
        fs::create_dir(&notes)?;
        let mut command = self.0.ibov(checkout);
        command.args(["run", "--sample", "--timeout", "2m"]).env("NOTES", &notes);
        let Output { stderr, .. } = command.output().await.context("cannot start ibov")?;
        let note = |name: &str| {
            let said = String::from_utf8_lossy(&stderr);
            fs::read_to_string(notes.join(name))
                .with_context(|| format!("{name} noted nothing: {said}"))
        };
        let (emulator, cargo) = (note("emulator")?, note("cargo")?);
        let lines = emulator.lines().chain(cargo.lines());
        Ok(lines.filter(|line| line.contains('/')).map(str::to_owned).collect())
    }
}

/// Checks that every path is in `checkout`, and that all sorts of paths were noted.
fn all_lie_in(paths: &[String], checkout: &Path) -> Result<()> {
    let checkout = checkout.to_string_lossy().into_owned();
    for path in paths {
        // The Glue runner's quoted command line holds two paths.
        for path in path.split("' '") {
            let path = path.trim_matches('\'');
            // The kept bucket is given as a name and a path.
            let path = match path.split_once('=') {
                Some((name, path)) if !name.contains('/') => path,
                _ => path,
            };
            ensure!(path.starts_with(&checkout), "{path} is not in {checkout}");
        }
    }
    for part in
        ["/infra/local/emulator/", "/.ibov/venv", "/.ibov/runs/", "glue_runner.py", "/target"]
    {
        ensure!(paths.iter().any(|path| path.contains(part)), "no {part} among {paths:?}");
    }
    Ok(())
}

/// The head of a script that pip wrote, with the path of its Python; if that holds a space, in the second line.
fn interpreter_of_pip(checkout: &Path) -> Result<String> {
    let script = fs::read_to_string(checkout.join(".ibov/venv/bin/pip"))?;
    Ok(script.lines().take(2).collect())
}

#[test]
fn a_checkout_that_was_moved_runs_itself() -> Result<()> {
    local::run(async {
        let skeleton = Noting::make().await?;
        let (original, moved) = (skeleton.path("original"), skeleton.path("moved"));
        all_lie_in(&skeleton.run("original").await?, &original)?;
        fs::rename(&original, &moved)?;
        all_lie_in(&skeleton.run("moved").await?, &moved)?;
        ensure!(!original.exists(), "something was written where the checkout used to be");
        ensure!(interpreter_of_pip(&moved)?.contains("/moved/"), "pip is that of the old place");
        Ok(())
    })
}

#[test]
fn a_checkout_that_was_copied_runs_itself_and_leaves_the_original_alone() -> Result<()> {
    local::run(async {
        let skeleton = Noting::make().await?;
        let (original, copy) = (skeleton.path("original"), skeleton.path("copy"));
        all_lie_in(&skeleton.run("original").await?, &original)?;
        let mut copying = Command::new("cp");
        copying.arg("-a").arg(&original).arg(&copy);
        ensure!(copying.status().await?.success(), "cannot copy the checkout");
        // A program that still uses the original fails.
        fs::write(original.join("infra/local/emulator/__main__.py"), "raise SystemExit(1)")?;
        let runs = || Ok::<_, std::io::Error>(fs::read_dir(original.join(".ibov/runs"))?.count());
        let before = runs()?;
        all_lie_in(&skeleton.run("copy").await?, &copy)?;
        ensure!(runs()? == before, "the copy made a run of the original");
        ensure!(interpreter_of_pip(&copy)?.contains("/copy/"), "pip is the original's");
        ensure!(interpreter_of_pip(&original)?.contains("/original/"), "pip is the copy's");
        Ok(())
    })
}

/// As under `cargo ibov` with a target directory that several checkouts share.
#[test]
fn cargo_says_which_checkout_is_meant_where_the_program_lies_elsewhere() -> Result<()> {
    local::run(async {
        let skeleton = Noting::make().await?;
        let manifest = skeleton.path("original/infra/cli");
        let mut command = Command::new(ibov::program().await?);
        command
            .args(["b3", "ok"])
            .current_dir(skeleton.path(""))
            .env("CARGO_MANIFEST_DIR", &manifest);
        let ended = command.output().await?;
        ensure!(ended.status.code() == Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
        ensure!(skeleton.path("original/.ibov").is_dir(), "another checkout was taken");
        Ok(())
    })
}

#[test]
fn no_path_of_a_checkout_is_compiled_in() -> Result<()> {
    let compiled_in = ["env!(\"CARGO_MANIFEST", "_DIR\")"].concat();
    for folder in ["shared", "services", "infra", "tests"] {
        for file in local::sources(&local::in_workspace(folder)?)? {
            let holds_one = fs::read_to_string(&file)?.contains(&compiled_in);
            ensure!(!holds_one, "{} holds {compiled_in}", file.display());
        }
    }
    Ok(())
}
