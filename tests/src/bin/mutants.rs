//! Breaks the code on purpose, one patch at a time, and checks that a test notices.
//!
//! Each file in `tests/mutants/` is a patch whose heading says which promise it breaks (`Breaks:`) and which
//! tests should notice (`Noticed by:`, arguments of `cargo test`). The patches are applied to a copy of the
//! checkout below `target/mutants/`; the checkout itself is never touched. The first call builds every
//! dependency there once more, which takes some minutes.
//!
//! ```text
//! cargo run -p e2e --bin mutants                    all of them
//! cargo run -p e2e --bin mutants -- backoff refine  those with one of these words in their name
//! cargo run -p e2e --bin mutants -- --json          {"mutations":…,"noticed":…} on standard output
//! ```
//!
//! Ends with 1 if a mutation goes unnoticed, does not apply, does not compile, or if its tests fail without it.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::local;
use serde_json::json;

fn main() -> Result<ExitCode> {
    let (flags, words): (Vec<_>, Vec<_>) =
        env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if let Some(unknown) = flags.iter().find(|flag| *flag != "--json") {
        bail!("unknown option {unknown}; the only one is --json");
    }
    let mutants = read_mutants(&words)?;
    let copy = Copy::make()?;
    let tests: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.noticed_by.as_str()).collect();
    for test in tests {
        eprintln!("without a mutation: cargo test {test}");
        let output = copy.test(test)?;
        ensure!(output.status.success(), "these tests fail without a mutation:\n{}", text(&output));
    }
    let mut noticed = 0;
    for mutant in &mutants {
        let started = Instant::now();
        let verdict = copy.try_out(mutant);
        noticed += usize::from(verdict.is_ok());
        let name = &mutant.name;
        let seconds = started.elapsed().as_secs();
        match verdict {
            Ok(()) => eprintln!("noticed    {name} ({seconds} s)"),
            Err(error) => eprintln!("UNNOTICED  {name}: {} ({error:#})", mutant.breaks),
        }
    }
    if flags.is_empty() {
        println!("{noticed} of {} mutations were noticed", mutants.len());
    } else {
        println!("{}", json!({"mutations": mutants.len(), "noticed": noticed}));
    }
    Ok(if noticed == mutants.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One way to break the code.
struct Mutant {
    name: String,
    patch: PathBuf,
    breaks: String,
    noticed_by: String,
}

fn read_mutants(words: &[String]) -> Result<Vec<Mutant>> {
    let folder = local::in_workspace("tests/mutants")?;
    let mut patches: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    let mut mutants = patches.into_iter().map(read_mutant).collect::<Result<Vec<_>>>()?;
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    mutants.retain(|mutant| wanted(&mutant.name));
    ensure!(!mutants.is_empty(), "no patch in {} has such a name", folder.display());
    Ok(mutants)
}

fn read_mutant(patch: PathBuf) -> Result<Mutant> {
    let text = fs::read_to_string(&patch)?;
    let heading = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
            .with_context(|| format!("{} has no line {name:?}", patch.display()))
    };
    let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (breaks, noticed_by) = (heading("Breaks:")?, heading("Noticed by:")?);
    Ok(Mutant { name, breaks, noticed_by, patch })
}

/// A copy of the checkout with a target directory of its own: Cargo takes the copy's packages for the original ones, so
/// that the next ordinary build would get mutated code.
struct Copy {
    folder: PathBuf,
    top: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make() -> Result<Self> {
        let original = local::in_workspace("")?;
        let folder = original.join("target/mutants");
        let (top, target) = (folder.join("checkout"), folder.join("build"));
        if top.exists() {
            fs::remove_dir_all(&top)?;
        }
        for file in files(&original)? {
            let (from, to) = (original.join(&file), top.join(&file));
            if from.is_file() {
                fs::create_dir_all(to.parent().context("a file has a folder")?)?;
                fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
            }
        }
        // The copy uses the environment of the original.
        fs::create_dir_all(original.join(".ibov"))?;
        symlink(original.join(".ibov"), top.join(".ibov"))?;
        Ok(Self { folder, top, target })
    }

    fn try_out(&self, mutant: &Mutant) -> Result<()> {
        self.apply(&mutant.patch, &[])?;
        let output = self.test(&mutant.noticed_by);
        self.apply(&mutant.patch, &["--reverse"])?;
        let output = output?;
        ensure!(!output.status.success(), "its tests pass: cargo test {}", mutant.noticed_by);
        // A mutation that does not compile proves nothing. Tests of the deployed chain build the functions themselves.
        let text = text(&output);
        ensure!(text.contains("test result: FAILED"), "no test ran:\n{text}");
        ensure!(!text.contains("could not build the functions"), "it does not compile:\n{text}");
        Ok(())
    }

    fn apply(&self, patch: &Path, options: &[&str]) -> Result<()> {
        let mut command = Command::new("git");
        // The copy lies inside a repository, but is not part of it.
        command.current_dir(&self.top).env("GIT_CEILING_DIRECTORIES", &self.folder);
        let output = command.arg("apply").args(options).arg(patch).output()?;
        ensure!(output.status.success(), "{} does not apply:\n{}", patch.display(), text(&output));
        Ok(())
    }

    fn test(&self, arguments: &str) -> Result<Output> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&self.top).env("CARGO_TARGET_DIR", &self.target);
        command.arg("test").args(arguments.split_whitespace());
        command.output().context("cargo does not start")
    }
}

/// Tracked and untracked files, but not ignored ones.
fn files(top: &Path) -> Result<Vec<PathBuf>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(top).args(arguments).output()?;
    ensure!(output.status.success(), "git ls-files fails:\n{}", text(&output));
    let names = String::from_utf8(output.stdout)?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}
