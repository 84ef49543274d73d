"""Prepares the benchmark: the four functions, and a virtual environment for the reference."""

import json
import os
import subprocess
import sys
from pathlib import Path

FUNCTIONS = ("fetcher", "parquet-writer", "glue-trigger", "glue-notifier")
# Written last into a complete environment, with the lock file that it was made from.
MARKER = "installed-requirements.txt"


def build(root: Path, profile: str, settings: list[str]) -> dict[str, Path]:
    """Builds the functions and returns their folder.

    They are built as for AWS, without the features that other members of the workspace need.
    """
    command = ["cargo", "build", "--profile", profile, "--message-format=json-render-diagnostics"]
    for setting in settings:
        command += ["--config", setting]
    for name in FUNCTIONS:
        command += ["--bin", name]
    output = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    executables = [message for message in messages if message.get("executable")]
    return {built["target"]["name"]: Path(built["executable"]) for built in executables}


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
