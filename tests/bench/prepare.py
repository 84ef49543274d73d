"""Prepares the benchmark: the four functions, and a virtual environment for the reference."""

import io
import json
import os
import ssl
import subprocess
import sys
import zipfile
from pathlib import Path

FUNCTIONS = ("fetcher", "parquet-writer", "glue-trigger", "glue-notifier")
# A function on lambda_runtime that does nothing.
FLOOR = "floor"
# Where systems keep all their root certificates in one file.
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
# Written last into a complete environment, with the lock file that it was made from.
MARKER = "installed-requirements.txt"


def build(root: Path, profile: str, settings: list[str]) -> dict[str, Path]:
    """Builds the functions and the floor, and returns each one's file.

    They are built as for AWS, without the features that other members of the workspace need.
    """
    command = ["cargo", "build", "--profile", profile, "--message-format=json-render-diagnostics"]
    for setting in settings:
        command += ["--config", setting]
    for name in (*FUNCTIONS, FLOOR):
        command += ["--package", name, "--bin", name]
    output = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    executables = [message for message in messages if message.get("executable")]
    return {built["target"]["name"]: Path(built["executable"]) for built in executables}


def zipped_mb(binary: Path) -> float:
    """The size of the archive that is deployed, in millions of bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.write(binary, "bootstrap")
    return len(archive.getvalue()) / 1e6


def bundle() -> str:
    """The one file with all root certificates of this system."""
    found = [ssl.get_default_verify_paths().cafile, *BUNDLES]
    for path in found:
        if path and Path(path).is_file():
            return path
    raise FileNotFoundError(f"none of {BUNDLES} exists")


def python_of_reference(root: Path, requirements: Path) -> Path:
    """A Python with the reference's packages, in `.ibov/bench`."""
    folder = root / ".ibov" / "bench"
    python = folder / "bin" / "python"
    marker = folder / MARKER
    wanted = requirements.read_text(encoding="utf-8")
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return python
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), *pip, "--require-hashes", "--requirement", str(requirements)],
    ]
    for command in commands:
        subprocess.run(command, check=True, stdout=sys.stderr)
    marker.write_text(wanted, encoding="utf-8")
    return python


def versions(root: Path, python: Path) -> dict[str, str]:
    """The versions of the compared programs."""
    names = ("pandas", "pyarrow", "requests", "boto3")
    program = (
        "import importlib.metadata as m, json, platform, sys;"
        "print(json.dumps({'python': platform.python_version()}"
        " | {name: m.version(name) for name in sys.argv[1:]}))"
    )
    rustc = output_of(["rustc", "--version"], root).split()[1]
    return {"rustc": rustc} | json.loads(output_of([str(python), "-c", program, *names], root))


def machine() -> str:
    """Model and number of the processors."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else os.uname().machine}, {os.cpu_count()} cores"


def output_of(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
