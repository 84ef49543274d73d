import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]


def install_parser() -> Path:
    """A folder with the packages of requirements.txt. Nobody needs them but these tests."""
    folder, requirements = CHECKOUT / ".ibov" / "athena-tests", HERE / "requirements.txt"
    note, wanted = folder / "installed.txt", requirements.read_text()
    if not note.exists() or note.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--target", str(folder)]
        subprocess.run([*pip, *options, "-r", str(requirements)], check=True)
        note.write_text(wanted)
    return folder


sys.path[:0] = [str(HERE.parent), str(install_parser())]
