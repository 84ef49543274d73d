"""A failed date is marked once, before its run ends, without side effects on other dates."""

import json
from collections.abc import Callable

import pytest
from lake import Lake

import refine as job
from conftest import DAY, NEXT_DAY

ROWS = [("Petróleo", "PETR4", "60.000", 6_000_000_000), ("Bancos", "ITUB4", "40.000", 1)]
NOT_PARQUET = b"<html>the CDN is sorry</html>"


def done_days(lake: Lake) -> set[str]:
    return {key.partition("/")[0] for key in lake.done()}


def no_parquet(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)


def a_missing_column(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, change="SELECT * EXCLUDE (part) FROM portfolio")


def rows_of_another_date(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, portfolio_day=NEXT_DAY)


def no_metadata(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, metadata={})


def rows_that_do_not_add_up(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, says={"total-part": "100.003"})


def a_row_that_s3_refuses(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS)
    lake.refuse("put", f"refined/Data={DAY}/")


def a_partition_that_the_catalog_refuses(lake: Lake) -> None:
    lake.write_raw(DAY, [*ROWS, ("Novo", "NOVO3", "0.000", 1)])
    lake.glue.refused = {"Novo": ("InternalServiceException", "try later")}


def a_record_that_s3_refuses(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS)
    lake.refuse("put", f"done/date={DAY}/")


@pytest.mark.parametrize(
    "fail",
    [
        no_parquet,
        a_missing_column,
        rows_of_another_date,
        no_metadata,
        rows_that_do_not_add_up,
        a_row_that_s3_refuses,
        a_partition_that_the_catalog_refuses,
        a_record_that_s3_refuses,
    ],
    ids=lambda fail: fail.__name__,
)
def test_a_failed_date_is_marked_with_its_raw_object_its_run_and_its_cause_and_no_other_is(
    lake: Lake, fail: Callable[[Lake], None]
) -> None:
    lake.write_raw(NEXT_DAY, ROWS)
    fail(lake)
    report, failed = lake.try_run(DAY, NEXT_DAY)
    assert (report["dates"], failed.keys()) == ([str(NEXT_DAY)], {DAY})
    etag = lake.s3.etag(lake.raw_key(DAY))
    assert lake.marks() == {f"{DAY}/{etag}/jr_1": {"cause": failed[DAY]}}
    assert done_days(lake) == {str(NEXT_DAY)}
    assert lake.unmarked == {}


def test_a_mark_names_the_raw_object_that_was_read(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)
    lake.write_raw(NEXT_DAY, ROWS)
    read = lake.mark_key(DAY)

    def replace_raw(operation: str, key: str) -> None:
        if key.startswith("refined/"):
            lake.put_raw(DAY, b"newer, and no Parquet either")

    lake.s3.before_call = replace_raw
    lake.try_run(DAY, NEXT_DAY)
    assert lake.keys("control/refine/failed/") == [read]
    assert read != lake.mark_key(DAY)


@pytest.mark.usefixtures("clients")
def test_a_date_is_marked_before_its_run_ends(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)
    with pytest.raises(job.RefineError, match="1 of 1 dates failed"):
        job.main(lake.words(DAY))
    assert lake.keys("control/") == [lake.mark_key(DAY)]


def test_a_long_cause_is_cut(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS)
    lake.glue.refused = {"Bancos": ("InternalServiceException", "x" * 5000)}
    _, failed = lake.try_run(DAY)
    (mark,) = lake.marks().values()
    assert mark == {"cause": failed[DAY][: job.CAUSE_LENGTH]}
    assert len(failed[DAY]) > 5000


def test_a_mark_that_was_emptied_is_not_written_again_by_its_run(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)
    mark = lake.mark_key(DAY)
    lake.s3.objects[mark] = b""
    _, failed = lake.try_run(DAY)
    assert failed.keys() == {DAY}
    assert lake.keys("control/") == [mark]
    assert lake.s3.objects[mark] == b""
    assert lake.unmarked == {}


def test_a_mark_that_somebody_writes_at_the_same_time_is_there(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)
    lake.refuse("put", "refine/failed/", "ConditionalRequestConflict")
    assert lake.try_run(DAY)[1].keys() == {DAY}
    assert lake.unmarked == {}


def test_a_later_run_marks_a_date_beside_the_emptied_mark_of_an_earlier_one(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)
    lake.s3.objects[lake.mark_key(DAY, "jr_1")] = b""
    lake.try_run(DAY, run_id="jr_2")
    assert lake.s3.objects[lake.mark_key(DAY, "jr_1")] == b""
    assert json.loads(lake.s3.objects[lake.mark_key(DAY, "jr_2")])["cause"]


def test_a_missing_raw_object_is_not_marked(lake: Lake) -> None:
    assert "does not exist" in lake.try_run(DAY)[1][DAY]
    assert lake.keys("control/") == []
    assert lake.unmarked == {}


def test_a_raw_object_that_s3_does_not_hand_out_is_not_marked(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS)
    lake.refuse("get", lake.raw_key(DAY), "AccessDenied")
    assert "AccessDenied" in lake.try_run(DAY)[1][DAY]
    assert lake.keys("control/") == []
    assert lake.unmarked == {}


def test_outside_glue_nothing_is_marked(lake: Lake) -> None:
    lake.put_raw(DAY, NOT_PARQUET)
    assert "cannot be read as Parquet" in lake.try_run(DAY, run_id=None)[1][DAY]
    assert lake.keys("control/") == []
    assert lake.unmarked == {}


@pytest.mark.usefixtures("clients")
def test_a_mark_that_cannot_be_written_hides_no_cause_and_stops_nobody(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    third = job.parse_date("2026-11-24")
    lake.put_raw(DAY, NOT_PARQUET)
    lake.put_raw(NEXT_DAY, NOT_PARQUET)
    lake.write_raw(third, ROWS)
    lake.refuse("put", f"failed/date={DAY}/", "AccessDenied")
    with pytest.raises(job.RefineError) as caught:
        job.main(lake.words(DAY, NEXT_DAY, third))
    unreadable = f"{DAY}: {lake.raw_path(DAY)} cannot be read as Parquet"
    assert str(caught.value).startswith(f"2 of 3 dates failed: {unreadable}")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{DAY} failed: {lake.raw_path(DAY)} cannot be read as Parquet")
    (unmarked,) = [line for line in lines if "marked" in line]
    assert unmarked.startswith(f"{DAY} could not be marked as failed: ")
    assert "AccessDenied" in unmarked
    assert [key.partition("/")[0] for key in lake.marks()] == [str(NEXT_DAY)]
    assert done_days(lake) == {str(third)}
