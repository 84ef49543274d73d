"""Packages that only tests need: `readers` those of the notebook, of the Grafana dashboard and of
Athena's SQL, `browser` those that look at a page.

They lie in `.ibov/readers` and `.ibov/browser`, beside the virtual environment of local runs and
not in it, so that a local run downloads nothing for them. Spark, the largest package, is not
installed twice.
"""

import fcntl
import platform
import shutil
import site
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PRIVATE = HERE.parents[1] / ".ibov"


def make_importable(name: str = "readers") -> None:
    """Installs the packages, unless the very same ones are there, and puts them on the path, behind
    those of the virtual environment.
    """
    requirements, folder = HERE / f"requirements-{name}.txt", PRIVATE / name
    PRIVATE.mkdir(exist_ok=True)
    # Several test processes may come here at the same time.
    with (PRIVATE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = f"{platform.python_version()} {platform.machine()}\n{requirements.read_text()}"
        installed = folder / "installed.txt"
        if not installed.is_file() or installed.read_text() != wanted:
            install(requirements, folder)
            installed.write_text(wanted)
    # Reads .pth files too: setuptools needs one to stand in for the `distutils` of old.
    site.addsitedir(str(folder))


def install(requirements: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes"),
        *("--target", str(folder), "--requirement", str(requirements)),
    ]
    subprocess.run(command, check=True)
