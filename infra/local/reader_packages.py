"""Packages that only the tests of the notebook, of the Grafana dashboard and of Athena's SQL need.

They lie in `.ibov/readers`, beside the virtual environment of local runs and not in it, so that a
local run downloads nothing for them. Spark, the largest package, is not installed twice.
"""

import fcntl
import platform
import shutil
import site
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements-readers.txt"
FOLDER = HERE.parents[1] / ".ibov" / "readers"


def make_importable() -> None:
    """Installs the packages, unless the very same ones are there, and puts them on the path, behind
    those of the virtual environment.
    """
    FOLDER.parent.mkdir(exist_ok=True)
    # Several test processes may come here at the same time.
    with (FOLDER.parent / "readers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = f"{platform.python_version()} {platform.machine()}\n{REQUIREMENTS.read_text()}"
        installed = FOLDER / "installed.txt"
        if not installed.is_file() or installed.read_text() != wanted:
            install()
            installed.write_text(wanted)
    # Reads .pth files too: setuptools needs one to stand in for the `distutils` of old.
    site.addsitedir(str(FOLDER))


def install() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--require-hashes"),
        *("--target", str(FOLDER), "--requirement", str(REQUIREMENTS)),
    ]
    subprocess.run(command, check=True)
