"""The remains of a run, and the message of a failed one, by scripts that do not use Spark."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import glue_runner
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


def test_no_classes_are_kept_of_a_java_that_no_script_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = []
    monkeypatch.setattr(spark.ARCHIVE, "keep_classes", kept.append)
    monkeypatch.setattr(spark.Java, "process", "java")
    spark.finish_spark()
    assert kept == []
    monkeypatch.setattr(spark.Java, "in_use", True)
    spark.finish_spark()
    assert kept == ["java"]


@pytest.mark.parametrize(
    ("arguments", "done"),
    [
        (["script.py", "--dates", "2026-11-20"], ["run", "finish", "kill", "archive"]),
        (["--archive-later", "script.py"], ["run", "finish", "kill"]),
        (["--archive"], ["archive"]),
    ],
)
def test_the_archive_is_made_after_a_run_or_by_a_call_of_its_own(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], done: list[str]
) -> None:
    steps = []
    monkeypatch.setattr(glue_runner.signal, "signal", lambda *_: None)
    for name, step in [
        ("run_job", "run"),
        ("finish_spark", "finish"),
        ("kill_spark", "kill"),
        ("make_archive", "archive"),
    ]:
        monkeypatch.setattr(glue_runner, name, lambda *_, step=step: steps.append(step))
    assert glue_runner.main(arguments) == 0
    assert steps == done


def test_an_archive_that_cannot_be_made_fails_its_own_call_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError("disk full")

    monkeypatch.setattr(glue_runner.signal, "signal", lambda *_: None)
    monkeypatch.setattr(glue_runner, "make_archive", full)
    for name in ("run_job", "finish_spark", "kill_spark"):
        monkeypatch.setattr(glue_runner, name, lambda *_: None)
    assert glue_runner.main(["script.py"]) == 0
    assert glue_runner.main(["--archive"]) == 1
    assert capsys.readouterr().err == "disk full\n"
