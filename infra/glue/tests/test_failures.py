"""The error messages for wrong input or arguments: one line that names the object."""

import json
from datetime import date, timedelta

import pytest
from lake import FILENAME, METADATA, Lake

import refine as job
from conftest import DAY, INFRA, NEXT_DAY

ROWS = [("Petróleo", "PETR4", "60.000", 6_000_000_000), ("Bancos", "ITUB4", "40.000", 1)]
GOOD = {
    "--dates": "2026-11-20",
    "--source": "s3://lake/raw/",
    "--target": "s3://lake/refined/",
    "--database": "default",
    "--table": "tb_ibov_refined",
    "--filename": FILENAME,
}


def replaced(column: str, expression: str) -> str:
    return f"SELECT * REPLACE ({expression} AS {column}) FROM portfolio"


def failure(lake: Lake) -> str:
    """The cause of a failed day, before any change to the lake."""
    report, failed = lake.try_run(DAY)
    assert (report["dates"], list(failed)) == ([], [DAY])
    assert "\n" not in failed[DAY]
    assert lake.files() == []
    assert lake.glue.partitions == {}
    assert lake.done() == {}
    return failed[DAY]


def test_a_missing_object_is_named(lake: Lake) -> None:
    assert failure(lake).startswith(f"{lake.raw_path(DAY)} does not exist: fetch that date")


@pytest.mark.parametrize("column", ["segment", "part", "theoricalQty", "DataCarteira"])
def test_a_missing_column_is_named(lake: Lake, column: str) -> None:
    lake.write_raw(DAY, ROWS, change=f"SELECT * EXCLUDE ({column}) FROM portfolio")
    assert f"date={DAY}/{FILENAME} has no column {column}" in failure(lake)


@pytest.mark.parametrize(
    ("column", "kind", "found"),
    [
        ("part", "double", "double"),
        ("part", "decimal(8,3)", "decimal128(8, 3)"),
        ("theoricalQty", "int", "int32"),
        ("DataCarteira", "string", "string"),
    ],
)
def test_a_wrong_type_is_named(lake: Lake, column: str, kind: str, found: str) -> None:
    rows = [("Bancos", "ITUB4", "40.000", 1)]
    lake.write_raw(DAY, rows, change=replaced(column, f"CAST({column} AS {kind})"))
    assert f"date={DAY}/{FILENAME} has column {column} as {found}, expected" in failure(lake)


def test_a_foreign_date_is_named(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, portfolio_day=NEXT_DAY)
    message = failure(lake)
    assert f"date={DAY}/{FILENAME} holds 2 of 2 rows whose DataCarteira is not {DAY}" in message
    assert f"for example {NEXT_DAY}" in message


def test_a_row_without_date_is_foreign_too(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, change=replaced("DataCarteira", "CAST(NULL AS DATE)"))
    assert f"2 of 2 rows whose DataCarteira is not {DAY}" in failure(lake)


@pytest.mark.parametrize("column", ["cod", "part", "theoricalQty"])
def test_a_missing_value_is_named(lake: Lake, column: str) -> None:
    blank = f"CASE WHEN cod <> 'ITUB4' THEN {column} END"
    lake.write_raw(DAY, ROWS, change=replaced(column, blank))
    assert f"holds 1 of 2 rows without {column}" in failure(lake)


def test_an_empty_object_is_named(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, change="SELECT * FROM portfolio LIMIT 0")
    assert f"date={DAY}/{FILENAME} breaks the rule rows: it holds no rows" in failure(lake)


def test_an_object_that_is_no_parquet_is_named(lake: Lake) -> None:
    lake.put_raw(DAY, b"<html>the CDN is sorry</html>")
    message = failure(lake)
    assert message.startswith(f"{lake.raw_path(DAY)} cannot be read as Parquet: ")
    assert "magic bytes" in message


@pytest.mark.parametrize("missing", ["landing-key", "content-hash"])
def test_an_object_that_parquet_writer_did_not_write_is_named(lake: Lake, missing: str) -> None:
    metadata = {key: text for key, text in METADATA.items() if key != missing}
    lake.write_raw(DAY, ROWS, metadata=metadata)
    assert f"{lake.raw_path(DAY)} does not say which landing object" in failure(lake)


@pytest.mark.parametrize(
    ("footer", "told"),
    [
        ({"total-theorical-qty": "6000000002"}, "theoricalQty of 6000000001 in all, and says 6"),
        ({"total-part": "100.003"}, "part of 100.000 in all, and says 100.003"),
        ({"total-part": "?"}, "does not say which landing object"),
        ({"total-theorical-qty": ""}, "does not say which landing object"),
    ],
)
def test_rows_that_do_not_add_up_to_what_b3_said_are_named(
    lake: Lake, footer: dict[str, str], told: str
) -> None:
    lake.write_raw(DAY, ROWS, says=footer)
    assert told in failure(lake)


def test_a_weight_may_be_rounded_in_each_row(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, says={"total-part": "100.002"})
    assert lake.run(DAY)["partitions_written"] == 2


def test_a_bad_date_does_not_stop_the_others(lake: Lake) -> None:
    third = date(2026, 11, 24)
    lake.write_raw(DAY, ROWS)
    lake.write_raw(third, ROWS)
    report, failed = lake.try_run(DAY, NEXT_DAY, third)
    assert (report["dates"], report["partitions_written"]) == ([str(DAY), str(third)], 4)
    assert failed.keys() == {NEXT_DAY}
    assert {day for day, _ in lake.table()} == {str(DAY), str(third)}
    assert {key.partition("/")[0] for key in lake.done()} == {str(DAY), str(third)}


@pytest.mark.parametrize("refuses", ["s3", "catalog"])
def test_a_date_that_cannot_be_written_does_not_stop_the_others(lake: Lake, refuses: str) -> None:
    lake.write_raw(DAY, ROWS)
    lake.write_raw(NEXT_DAY, [*ROWS, ("Novo", "NOVO3", "0.000", 1)])
    if refuses == "catalog":
        lake.glue.refused = {"Novo": ("InternalServiceException", "try later")}
    else:
        lake.refuse("put", f"Data={NEXT_DAY}/Setor=Novo")
    report, failed = lake.try_run(DAY, NEXT_DAY)
    assert (report["dates"], failed.keys()) == ([str(DAY)], {NEXT_DAY})
    assert {key.partition("/")[0] for key in lake.done()} == {str(DAY)}


@pytest.mark.usefixtures("clients")
def test_the_run_fails_at_its_end_with_a_line_for_each_failed_date(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    third = date(2026, 11, 24)
    lake.write_raw(DAY, ROWS)
    lake.put_raw(third, b"not Parquet")
    with pytest.raises(job.RefineError) as caught:
        job.main(lake.words(DAY, NEXT_DAY, third))
    *lines, report = capsys.readouterr().out.splitlines()
    assert json.loads(report)["dates"] == [str(DAY)]
    assert [line.partition(":")[0] for line in lines] == [f"{NEXT_DAY} failed", f"{third} failed"]
    message = str(caught.value)
    assert message.startswith(f"2 of 3 dates failed: {NEXT_DAY}: {lake.raw_path(NEXT_DAY)} does")
    assert f"; {third}: {lake.raw_path(third)} cannot be read as Parquet" in message


def test_what_glue_shows_of_many_failed_dates_ends_with_how_many_more_there_are() -> None:
    failed = {DAY + timedelta(days=n): f"s3://lake/{n} does not exist" for n in range(366)}
    message = job.summary(failed, 366)
    assert len(message) <= job.MESSAGE_LENGTH
    told = message.count("does not exist")
    assert message.startswith(f"366 of 366 dates failed: {DAY}: s3://lake/0 does not exist; ")
    assert message.endswith(f"; and {366 - told} more, see what the run printed")
    assert told > 10


def test_a_long_cause_is_cut_before_it_crowds_out_another() -> None:
    message = job.summary({DAY: "x" * 5000, NEXT_DAY: "no such key"}, 2)
    assert message == f"2 of 2 dates failed: {DAY}: {'x' * 400}; {NEXT_DAY}: no such key"


def test_a_missing_table_fails_before_anything_is_read(lake: Lake) -> None:
    with pytest.raises(job.RefineError, match=r"table default\.elsewhere is not in the catalog"):
        lake.try_run(DAY, table="elsewhere")
    assert lake.s3.calls == []


# The same examples test the functions and the template.
NAMES = json.loads((INFRA.parent / "tests" / "file-names.json").read_text())


@pytest.mark.parametrize("name", NAMES["accepted"])
def test_a_file_name_that_the_functions_take_is_taken(name: str) -> None:
    assert job.parse_arguments(words({"--filename": name})).filename == name


@pytest.mark.parametrize("name", NAMES["refused"])
def test_a_file_name_that_the_functions_refuse_is_refused(name: str) -> None:
    with pytest.raises(job.RefineError, match="argument --filename: "):
        job.parse_arguments(words({"--filename": name}))


def words(changes: dict) -> list[str]:
    return [word for item in (GOOD | changes).items() for word in item if item[1] is not None]


def test_foreign_arguments_are_ignored_and_the_last_of_two_wins() -> None:
    extra = [
        "--job-language",
        "python",
        "--etags",
        "0123,4567",
        "--JOB_RUN_ID",
        "jr_1",
        "--JOB_RUN_ID",
        "jr_2",
    ]
    arguments = job.parse_arguments(words({"--dates": "2026-11-21,2026-11-20,2026-11-21"}) + extra)
    assert [str(day) for day in arguments.dates] == ["2026-11-20", "2026-11-21"]
    assert (arguments.JOB_RUN_ID, arguments.as_of) == ("jr_2", None)


def test_366_dates_are_taken_and_367_refused() -> None:
    days = [str(DAY + timedelta(days=n)) for n in range(367)]
    assert len(job.parse_arguments(words({"--dates": ",".join(days[:366])})).dates) == 366
    with pytest.raises(job.RefineError, match="367 dates, and one run takes 366 at most"):
        job.parse_arguments(words({"--dates": ",".join(days)}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--dates": "20/11/2026"}, "'20/11/2026' is not a date like 2026-11-20"),
        ({"--dates": "2026-02-30"}, "'2026-02-30' is not a date"),
        ({"--dates": "20261120"}, "'20261120' is not a date"),
        ({"--dates": " , "}, "name at least one date"),
        ({"--dates": None}, "required: --dates"),
        ({"--source": "lake/raw"}, "'lake/raw' is not a folder like s3://bucket/raw/"),
        ({"--filename": "*.parquet"}, "'[*].parquet' is not a plain file name"),
        ({"--as_of": "today"}, "'today' is not a date"),
        ({"--filename": "_ibov.parquet"}, "'_ibov.parquet' is not a plain file name"),
    ],
)
def test_wrong_arguments_are_told(changes: dict, message: str) -> None:
    with pytest.raises(job.RefineError, match=message):
        job.parse_arguments(words(changes))
