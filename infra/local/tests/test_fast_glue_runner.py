"""The fast Glue runner treats failing dates as the real job does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator_process import LOCAL, GlueRunner, running
from test_refine_run import (
    BAD_DAY,
    DAY,
    NO_DAY,
    OTHER_DAY,
    PORTFOLIO,
    REFINED,
    Stack,
    files_and_locations,
    raw_key,
)

FAST = GlueRunner(LOCAL.parents[1] / "tests" / "fast_glue_runner.py", minute=60)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("fast"), glue=FAST) as emulator:
        yield Stack(emulator, "fast", tmp_path_factory.mktemp("files"))


@pytest.fixture
def control(stack: Stack) -> Path:
    """The folder that scripts the runs."""
    folder = stack.job.emulator.state_dir / "glue-control" / stack.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put_unreadable(stack: Stack, day: str) -> None:
    stack.s3.put_object(Bucket=stack.name, Key=raw_key(day), Body=b"<html>sorry</html>")


def test_each_date_fails_by_itself_and_is_marked(stack: Stack) -> None:
    stack.put_raw(OTHER_DAY, PORTFOLIO)
    assert stack.run_of(OTHER_DAY)["JobRunState"] == "SUCCEEDED"
    earlier = stack.done()

    # One date is new, one lacks its raw object, and two now have an unreadable and an unsigned one.
    stack.put_raw(DAY, PORTFOLIO)
    put_unreadable(stack, BAD_DAY)
    unsigned = stack.s3.get_object(Bucket=stack.name, Key=raw_key(DAY))["Body"].read()
    stack.s3.put_object(Bucket=stack.name, Key=raw_key(OTHER_DAY), Body=unsigned)
    run = stack.run_of(DAY, OTHER_DAY, NO_DAY, BAD_DAY)
    told = run["ErrorMessage"]
    assert f"3 of 4 dates failed: {OTHER_DAY}: s3://{stack.name}/{raw_key(OTHER_DAY)} does" in told
    assert f"; {NO_DAY}: s3://{stack.name}/{raw_key(NO_DAY)} does not exist" in told
    assert f"; {BAD_DAY}: s3://{stack.name}/{raw_key(BAD_DAY)} cannot be read as Parquet" in told

    marks = stack.marks()
    assert marks.keys() == {f"{day}/{stack.etag(day)}/{run['Id']}" for day in (OTHER_DAY, BAD_DAY)}
    assert all(mark["cause"] in told for mark in marks.values())
    # Dates that were refined before stay.
    files_and_locations(stack, [[day, row[0]] for day in (DAY, OTHER_DAY) for row in REFINED])
    assert earlier.items() <= stack.done().items()
    assert len(stack.done()) == 2


def test_a_run_that_a_test_has_fail_marks_nothing(stack: Stack, control: Path) -> None:
    put_unreadable(stack, BAD_DAY)
    before = stack.objects("")
    (control / "fail-1").write_text("killed")
    assert stack.run_of(BAD_DAY)["ErrorMessage"].endswith("killed")
    assert stack.objects("") == before


def test_a_mark_that_was_emptied_stays_empty(stack: Stack, control: Path) -> None:
    put_unreadable(stack, BAD_DAY)
    (control / "hold").touch()
    run_id = stack.job.start(Arguments={"--dates": BAD_DAY})
    mark = f"control/refine/failed/date={BAD_DAY}/{stack.etag(BAD_DAY)}/{run_id}"
    stack.s3.put_object(Bucket=stack.name, Key=mark, Body=b"")
    (control / "hold").unlink()
    assert "cannot be read as Parquet" in stack.job.ended(run_id)["ErrorMessage"]
    assert stack.s3.get_object(Bucket=stack.name, Key=mark)["Body"].read() == b""
