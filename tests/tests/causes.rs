//! What keeps a run from starting on a machine that is not ready, and that it is named first.
#![allow(clippy::indexing_slicing, reason = "a test that finds something else has failed")]

use std::{path::Path, process::Output};

use anyhow::{Context as _, Result, ensure};
use e2e::{local, skeleton::Skeleton};
use serde_json::Value;

/// Stands in for a Python, with what the probe of the machine shall be told in place of `PROBE`. The environments that
/// it makes hold the Python of `PIP`.
const PYTHON: &str = r#"#!/bin/sh
if [ "$1" = -c ]; then
    printf 'PROBE'
else
    for folder; do :; done
    mkdir -p "$folder/bin" && cp "$PIP" "$folder/bin/python"
fi
"#;

/// Stands in for the Python of an environment: pip does `PIP`, and the emulator waits for its end.
const ENVIRONMENT: &str = r#"#!/bin/sh
if [ "$1" = -m ]; then
    PIP
else
    exec cat
fi
"#;

const GOOD: &str = r"3.11.7\n/usr/bin/python3.11\nvenv\n";

struct Machine {
    /// What the only Python says of itself, if there is one.
    python: Option<&'static str>,
    /// What pip does, as a line of shell.
    pip: &'static str,
    /// What Cargo does.
    cargo: &'static str,
    /// The file of root certificates, or none for the system's.
    roots: &'static str,
}

/// Cargo still builds when pip, beside it, is done.
const READY: Machine =
    Machine { python: Some(GOOD), pip: "exit 0", cargo: "exec sleep 120", roots: "" };

/// The error of the document that a run on this machine prints, and its exit code.
async fn failure(machine: Machine) -> Result<(Option<i32>, Value)> {
    let skeleton = Skeleton::make("").await?;
    std::fs::create_dir(skeleton.path("bin"))?;
    if let Some(probe) = machine.python {
        skeleton.program("bin/python3.11", &PYTHON.replace("PROBE", probe)).await?;
    }
    let pip = skeleton.program("pip", &ENVIRONMENT.replace("PIP", machine.pip)).await?;
    skeleton.program("cargo", &format!("#!/bin/sh\n{}\n", machine.cargo)).await?;
    for tool in ["cat", "cp", "mkdir", "sleep"] {
        let real = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(tool));
        let real = real.iter().find(|path| path.exists()).context("no such tool")?;
        std::os::unix::fs::symlink(real, skeleton.path("bin").join(tool))?;
    }
    let mut command = skeleton.ibov("original");
    command
        .args(["run", "--sample", "--json", "--timeout", "2m"])
        .env("PATH", skeleton.path("bin"))
        .env("PIP", pip)
        .env("CC", "/bin/echo");
    if !machine.roots.is_empty() {
        command.env("SSL_CERT_FILE", machine.roots);
    }
    let Output { status, stdout, stderr } = command.output().await.context("cannot start ibov")?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let document: Value = serde_json::from_str(&stdout)
        .with_context(|| format!("no document: {stdout}\n{stderr}"))?;
    let error = document["error"].clone();
    let cause = error["cause"].as_str().context("no cause")?;
    ensure!(stderr.contains(cause), "people are told the same: {stderr}");
    Ok((status.code(), error))
}

async fn fails(machine: Machine, exit: i32, stage: &str, first: &str) -> Result<String> {
    let (code, error) = failure(machine).await?;
    let cause = error["cause"].as_str().context("no cause")?;
    ensure!(code == Some(exit) && error["stage"] == stage, "{code:?}: {error}");
    ensure!(cause.starts_with(first), "{cause}");
    Ok(cause.to_owned())
}

#[test]
fn an_old_python_is_named_with_its_version_and_path() -> Result<()> {
    local::run(async {
        let python = Some(r"3.9.2\n/opt/old/python3\nvenv\n");
        let first = "Python 3.9.2 (/opt/old/python3) is too old, 3.11 or newer is needed";
        fails(Machine { python, ..READY }, 3, "check", first).await?;
        let first = "Python 3.11 or newer with its venv module is missing";
        fails(Machine { python: None, ..READY }, 3, "check", first).await?;
        Ok(())
    })
}

#[test]
fn a_python_without_venv_is_told_from_a_missing_one() -> Result<()> {
    local::run(async {
        let python = Some(r"3.12.3\n/usr/bin/python3\nwithout\n");
        let first = "Python 3.12.3 (/usr/bin/python3) is new enough, but lacks its module venv";
        let cause = fails(Machine { python, ..READY }, 3, "check", first).await?;
        ensure!(cause.contains("apt install python3.12-venv"), "{cause}");
        Ok(())
    })
}

#[test]
fn a_file_without_root_certificates_is_named_with_its_variable() -> Result<()> {
    local::run(async {
        let first = "there are no root certificates to trust: the environment variable SSL_CERT_FILE is \"/dev/null\": there is no certificate in PEM in it";
        fails(Machine { roots: "/dev/null", ..READY }, 3, "check", first).await?;
        Ok(())
    })
}

#[test]
fn a_proxy_that_refuses_pypi_comes_before_what_pip_makes_of_it() -> Result<()> {
    local::run(async {
        let pip = r#"echo "WARNING: connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))'" >&2; echo "ERROR: No matching distribution found for duckdb" >&2; exit 1"#;
        let first = "the proxy on the way to PyPI refuses (HTTP 403 Forbidden): ask for pypi.org";
        fails(Machine { pip, ..READY }, 1, "setup", first).await?;
        Ok(())
    })
}

#[test]
fn pypi_out_of_reach_is_named() -> Result<()> {
    local::run(async {
        let pip = r#"echo "WARNING: connection broken by 'NewConnectionError(': Failed to establish a new connection: [Errno -2] Name or service not known')'" >&2; echo "ERROR: No matching distribution found for duckdb" >&2; exit 1"#;
        let first = "PyPI cannot be reached from here (its name is not known)";
        fails(Machine { pip, ..READY }, 1, "setup", first).await?;
        Ok(())
    })
}

#[test]
fn a_disk_that_fills_up_is_named_by_whichever_step_meets_it() -> Result<()> {
    local::run(async {
        let first = "the disk is full: free some space below ";
        let pip = r#"echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device" >&2; exit 1"#;
        fails(Machine { pip, ..READY }, 3, "setup", first).await?;
        let cargo = r#"echo "error: failed to write x.rlib: No space left on device (os error 28)" >&2; exit 101"#;
        fails(Machine { cargo, ..READY }, 3, "build", first).await?;
        Ok(())
    })
}

#[test]
fn crates_io_out_of_reach_is_named_before_cargos_own_words() -> Result<()> {
    local::run(async {
        let cargo = r#"echo "error: download of config.json failed" >&2; echo "  [6] Could not resolve host: index.crates.io" >&2; exit 101"#;
        let first = "crates.io cannot be reached from here (its name is not known)";
        let cause = fails(Machine { cargo, ..READY }, 1, "build", first).await?;
        ensure!(cause.contains("download of config.json failed"), "{cause}");
        Ok(())
    })
}
