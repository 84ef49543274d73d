//! What a run needs from the machine. Everything that is missing is named, with the command that installs it.

use std::{
    ffi::OsString,
    fmt::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Result;
use tokio::process::Command;

use crate::failure::{Exit, Failure};

const GIB: u64 = 1 << 30;
/// The first run writes packages for Python, the functions and caches.
const FIRST_RUN_BYTES: u64 = 3 * GIB;
const LATER_RUN_BYTES: u64 = GIB / 2;

/// In order of preference: Spark 3.5 is at home on 3.11, and 3.14 comes last.
const PYTHONS: [&str; 6] =
    ["python3.11", "python3.12", "python3.13", "python3", "python", "python3.14"];

/// Prints the version. A Debian without `python3-venv` cannot import `ensurepip`.
const PYTHON_PROBE: &str = "import sys; assert sys.version_info >= (3, 11), 'old'; import venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";

/// A machine that has everything.
#[derive(Debug, Clone)]
pub struct Machine {
    /// A Python that can make virtual environments.
    pub python: PathBuf,
    pub python_version: String,
    /// Bytes free below the checkout.
    pub free_bytes: u64,
}

/// Checks everything.
///
/// # Errors
/// A [`Failure`] of stage `check` that names all that is missing.
pub async fn check(root: &Path, first_run: bool) -> Result<Machine> {
    let (python, compiler) = tokio::join!(find_python(), has_compiler());
    let free_bytes = free_bytes(root);
    let needed = if first_run { FIRST_RUN_BYTES } else { LATER_RUN_BYTES };
    let mut missing = Vec::new();
    if python.is_none() {
        missing.push(Missing::Python);
    }
    if !compiler {
        missing.push(Missing::Compiler);
    }
    if free_bytes < needed {
        missing.push(Missing::Disk { free: free_bytes, needed, at: root.to_path_buf() });
    }
    if TcpListener::bind(("127.0.0.1", 0)).is_err() {
        missing.push(Missing::Loopback);
    }
    match python {
        Some((python, python_version)) if missing.is_empty() => {
            Ok(Machine { python, python_version, free_bytes })
        }
        Some(_) | None => Err(failure(&missing).into()),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Missing {
    Python,
    Compiler,
    Disk { free: u64, needed: u64, at: PathBuf },
    Loopback,
}

fn failure(missing: &[Missing]) -> Failure {
    let mut cause = String::new();
    for (number, item) in missing.iter().enumerate() {
        let separator = if number == 0 { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _written = write!(cause, "{separator}{}", item.message());
    }
    Failure { exit: Exit::MachineNotReady, ..Failure::new("check", cause) }
}

impl Missing {
    fn message(&self) -> String {
        match self {
            Self::Python => install(
                "Python 3.11 or newer with its venv module is missing",
                "sudo apt install python3 python3-venv",
                "sudo dnf install python3",
                "brew install python@3.12",
            ),
            Self::Compiler => install(
                "a C compiler (cc) is missing, which Rust links with",
                "sudo apt install build-essential",
                "sudo dnf install gcc",
                "xcode-select --install",
            ),
            Self::Disk { free, needed, at } => format!(
                "{} free below {}, {} needed: free some space, or clone the project to another disk",
                gigabytes(*free),
                at.display(),
                gigabytes(*needed)
            ),
            Self::Loopback => "no port can be opened on 127.0.0.1: bring the loopback interface up (Linux: sudo ip link set lo up), \
                               or allow local ports in the sandbox that this runs in"
                .to_owned(),
        }
    }
}

fn install(what: &str, debian: &str, fedora: &str, macos: &str) -> String {
    format!(
        "{what}; install it:\n    Debian, Ubuntu: {debian}\n    Fedora: {fedora}\n    macOS: {macos}"
    )
}

fn gigabytes(bytes: u64) -> String {
    format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB)
}

async fn find_python() -> Option<(PathBuf, String)> {
    for name in PYTHONS {
        if let Some(version) = first_line(Command::new(name).args(["-c", PYTHON_PROBE])).await {
            return Some((PathBuf::from(name), version));
        }
    }
    None
}

async fn has_compiler() -> bool {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    first_line(Command::new(compiler).arg("--version")).await.is_some()
}

/// First line of what a command prints, if it can be run and succeeds.
async fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

fn free_bytes(path: &Path) -> u64 {
    // A file system that does not know its free space counts as large enough.
    rustix::fs::statvfs(path).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_named_with_its_remedy() {
        let disk = Missing::Disk { free: GIB / 2, needed: FIRST_RUN_BYTES, at: "/home/me".into() };
        let failure = failure(&[Missing::Python, Missing::Compiler, disk, Missing::Loopback]);
        assert_eq!(failure.exit.code(), 3);
        for text in [
            "apt install python3 python3-venv",
            "dnf install gcc",
            "xcode-select --install",
            "0.5 GiB free below /home/me, 3.0 GiB needed",
            "127.0.0.1",
        ] {
            assert!(failure.cause.contains(text), "{text} in {}", failure.cause);
        }
    }

    #[tokio::test]
    async fn a_command_that_fails_or_is_absent_has_no_first_line() {
        assert_eq!(
            first_line(Command::new("sh").args(["-c", "echo found; echo more"])).await.as_deref(),
            Some("found")
        );
        assert_eq!(first_line(Command::new("sh").args(["-c", "echo found; exit 1"])).await, None);
        assert_eq!(first_line(&mut Command::new("/no/such/program")).await, None);
    }
}
