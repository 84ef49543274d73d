"""The remains of a run, and the message of a failed one, by scripts that do not use Spark."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator_process import SPARK
from glue_local import spark

SCRIPT = """
import os, shlex, sys
from pathlib import Path
from glue_local.spark import Java

options = shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])
(work,) = [
    option.partition("=")[2] for option in options if option.startswith("spark.sql.warehouse")
]
print(*sys.argv[1:])
print(work)
print("running" if Java.process.poll() is None else "ended")
Path(os.environ["SPARK_LOCAL_DIRS"]).mkdir()
if "--fail" in sys.argv:
    raise ValueError("no such date\\nand more about it")
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, SPARK.script, script, *arguments],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def test_a_script_gets_its_arguments_as_they_are_and_leaves_nothing(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    ended = run("--dates", "2026-11-20", "--dates", "2026-11-23")
    # A slow script leaves Java the time to say something, too.
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    arguments, work, java = ended.stdout.splitlines()
    assert java == "running", "it starts before a script asks for it"
    assert arguments == "--dates 2026-11-20 --dates 2026-11-23"
    assert work.startswith(f"file://{tmp_path}/glue-run-")
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


def test_a_script_that_fails_ends_with_its_cause_and_leaves_nothing(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    ended = run("--fail")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "ValueError: no such date"
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


def test_an_archive_is_not_written_by_a_java_that_no_script_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finished = []
    monkeypatch.setattr(spark.ARCHIVE, "finish", finished.append)
    monkeypatch.setattr(spark.Java, "process", "java")
    spark.finish_spark()
    assert finished == []
    monkeypatch.setattr(spark.Java, "in_use", True)
    spark.finish_spark()
    assert finished == ["java"]
