//! What a run needs from the machine. Everything that is missing is named, with the command that installs it.

use std::{
    ffi::OsString,
    fmt::{self, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Result;
use shared::{settings::Environment, tls};
use tokio::process::Command;

use crate::{
    causes::free_bytes,
    failure::{Exit, Failure},
    progress::decimal,
    text,
};

const GIB: u64 = 1 << 30;
/// What the first run has still to write when Cargo has built `ibov`: 1.0 GB for Python and Spark's classes, 0.3 GB for
/// the functions, and for a while what pip downloads, builds and keeps in its cache, if that is on the same disk.
const FIRST_RUN_BYTES: u64 = 3 * GIB;
const LATER_RUN_BYTES: u64 = GIB / 2;

/// In order of preference: Spark 3.5 is at home on 3.11, and 3.14 comes last.
const PYTHONS: [&str; 6] =
    ["python3.11", "python3.12", "python3.13", "python3", "python", "python3.14"];

/// Spark's and the emulator's oldest.
const OLDEST_PYTHON: (u64, u64) = (3, 11);

/// Prints the version, the program's path, and whether it makes virtual environments: a Debian without `python3-venv`
/// cannot import `ensurepip`. In words that a Python 2 understands too.
const PYTHON_PROBE: &str = "import sys
print('%d.%d.%d' % sys.version_info[:3])
print(sys.executable)
try:
    import venv, ensurepip
    print('venv')
except ImportError:
    print('without')
";

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
    let python = python.map_err(|reason| missing.push(reason)).ok();
    if !compiler {
        missing.push(Missing::Compiler);
    }
    if free_bytes < needed {
        missing.push(Missing::Disk { free: free_bytes, needed, at: root.to_path_buf() });
    }
    if TcpListener::bind(("127.0.0.1", 0)).is_err() {
        missing.push(Missing::Loopback);
    }
    if let Err(error) = tls::check(&Environment::of_process()) {
        missing.push(Missing::RootCertificates(error.to_string()));
    }
    match python {
        Some(Python { program, version, .. }) if missing.is_empty() => {
            Ok(Machine { python: program, python_version: version, free_bytes })
        }
        Some(_) | None => Err(failure(&missing).into()),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Missing {
    Python,
    /// No Python here is new enough.
    OldPython(Python),
    /// Only its module `venv` is missing.
    Venv(Python),
    Compiler,
    Disk {
        free: u64,
        needed: u64,
        at: PathBuf,
    },
    Loopback,
    /// A variable names none, and no function would start.
    RootCertificates(String),
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
            Self::Python => install_python(&text!(
                en: "Python 3.11 or newer with its venv module is missing",
                pt: "falta o Python 3.11 ou mais novo, com o módulo venv",
            )),
            Self::OldPython(python) => install_python(&text!(
                en: "{python} is too old, 3.11 or newer is needed",
                pt: "o {python} é antigo demais; é preciso o 3.11 ou mais novo",
            )),
            Self::Venv(python) => {
                let (major, minor) = python.release().unwrap_or(OLDEST_PYTHON);
                text!(
                    en: "{python} is new enough, but lacks its module venv; install it:\n    Debian, Ubuntu: sudo apt install python{major}.{minor}-venv\n    elsewhere: install Python anew, with venv and ensurepip",
                    pt: "o {python} é novo o bastante, mas falta o módulo venv; instale:\n    Debian, Ubuntu: sudo apt install python{major}.{minor}-venv\n    nos outros: reinstale o Python com venv e ensurepip",
                )
            }
            Self::Compiler => install(
                &text!(
                    en: "a C compiler (cc) is missing, which Rust links with",
                    pt: "falta um compilador C (cc), com que o Rust faz a ligação",
                ),
                "sudo apt install build-essential",
                "sudo dnf install gcc",
                "xcode-select --install",
            ),
            Self::Disk { free, needed, at } => {
                let (free, at, needed) = (gigabytes(*free), at.display(), gigabytes(*needed));
                text!(
                    en: "{free} free below {at}, {needed} needed: free some space, or clone the project to another disk",
                    pt: "{free} livres em {at}, e são precisos {needed}: libere espaço, ou clone o projeto em outro disco",
                )
            }
            Self::Loopback => text!(
                en: "no port can be opened on 127.0.0.1: bring the loopback interface up (Linux: sudo ip link set lo up), or allow local ports in the sandbox that this runs in",
                pt: "não é possível abrir uma porta em 127.0.0.1: ative a interface de loopback (Linux: sudo ip link set lo up), ou permita portas locais no sandbox em que isto roda",
            ),
            Self::RootCertificates(reason) => text!(
                en: "there are no root certificates to trust: {reason}",
                pt: "não há certificados raiz em que confiar: {reason}",
            ),
        }
    }
}

fn install_python(what: &str) -> String {
    install(
        what,
        "sudo apt install python3 python3-venv",
        "sudo dnf install python3",
        "brew install python@3.12",
    )
}

fn install(what: &str, debian: &str, fedora: &str, macos: &str) -> String {
    let install = text!(en: "install it", pt: "instale");
    format!(
        "{what}; {install}:\n    Debian, Ubuntu: {debian}\n    Fedora: {fedora}\n    macOS: {macos}"
    )
}

fn gigabytes(bytes: u64) -> String {
    format!("{} GiB", decimal(format!("{}.{}", bytes / GIB, bytes % GIB * 10 / GIB)))
}

/// A Python of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Python {
    program: PathBuf,
    version: String,
    has_venv: bool,
}

impl Python {
    /// Reads what the probe prints.
    fn parse(said: &str) -> Option<Self> {
        let mut lines = said.lines();
        let (version, program, venv) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Self {
            program: program.into(),
            version: version.to_owned(),
            has_venv: venv == "venv",
        })
    }

    fn release(&self) -> Option<(u64, u64)> {
        let mut parts = self.version.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    }

    fn is_new_enough(&self) -> bool {
        self.release() >= Some(OLDEST_PYTHON)
    }
}

impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python {} ({})", self.version, self.program.display())
    }
}

/// The first Python that will do, or what is wrong with those that are there.
async fn find_python() -> Result<Python, Missing> {
    let mut found = Vec::new();
    for name in PYTHONS {
        let said = output(Command::new(name).args(["-c", PYTHON_PROBE])).await;
        let Some(python) = said.as_deref().and_then(Python::parse) else { continue };
        if python.has_venv && python.is_new_enough() {
            return Ok(Python { program: PathBuf::from(name), ..python });
        }
        found.push(python);
    }
    Err(unfit(found))
}

/// One that only lacks a module is nearest to what is needed, then the newest.
fn unfit(found: Vec<Python>) -> Missing {
    let (new, old): (Vec<Python>, Vec<Python>) = found.into_iter().partition(Python::is_new_enough);
    match (new.into_iter().next(), old.into_iter().max_by_key(Python::release)) {
        (Some(python), _) => Missing::Venv(python),
        (None, Some(python)) => Missing::OldPython(python),
        (None, None) => Missing::Python,
    }
}

async fn has_compiler() -> bool {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    output(Command::new(compiler).arg("--version")).await.is_some()
}

/// What a command prints, if it can be run and succeeds.
async fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
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

    fn python(version: &str, has_venv: bool) -> Python {
        Python {
            program: format!("/bin/python-{version}").into(),
            version: version.into(),
            has_venv,
        }
    }

    #[test]
    fn an_old_python_is_named_with_its_version_and_path() {
        let reason = unfit(vec![python("2.7.18", false), python("3.9.2", true)]);
        assert_eq!(reason, Missing::OldPython(python("3.9.2", true)));
        let text = reason.message();
        assert!(text.starts_with("Python 3.9.2 (/bin/python-3.9.2) is too old, 3.11"), "{text}");
        assert!(text.contains("apt install python3 "), "{text}");
    }

    #[test]
    fn a_python_without_venv_is_not_called_missing() {
        let reason = unfit(vec![python("3.12.1", false), python("3.9.2", true)]);
        let text = reason.message();
        assert!(
            text.starts_with("Python 3.12.1 (/bin/python-3.12.1) is new enough, but"),
            "{text}"
        );
        assert!(text.contains("apt install python3.12-venv"), "{text}");
        assert_eq!(unfit(Vec::new()), Missing::Python);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(python("3.11.0", true).is_new_enough() && python("4.0.1", true).is_new_enough());
        assert!(!python("3.9.20", true).is_new_enough() && !python("2.11.0", true).is_new_enough());
        assert!(Python::parse("nonsense").is_none());
    }

    #[tokio::test]
    async fn a_command_that_fails_or_is_absent_has_no_output() {
        let mut prints = Command::new("sh");
        prints.args(["-c", "echo found"]);
        assert_eq!(output(&mut prints).await.as_deref(), Some("found\n"));
        assert_eq!(output(Command::new("sh").args(["-c", "echo found; exit 1"])).await, None);
        assert_eq!(output(&mut Command::new("/no/such/program")).await, None);
    }
}
