"""What a person reads when the input or the arguments are wrong: one line that names the object."""

import json
from datetime import date, timedelta

import pytest
from lake import FILENAME, Lake

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


def failure(lake: Lake, *dates: date) -> str:
    with pytest.raises(job.RefineError) as caught:
        lake.run(*dates)
    assert "\n" not in str(caught.value)
    # The failure came before anything was touched.
    assert lake.files() == []
    assert lake.glue.partitions == {}
    return str(caught.value)


def test_a_missing_object_is_named(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS)
    message = failure(lake, DAY, NEXT_DAY)
    assert message.startswith(f"{lake.source}date={NEXT_DAY}/{FILENAME} does not exist")


@pytest.mark.parametrize("column", ["segment", "part", "theoricalQty", "DataCarteira"])
def test_a_missing_column_is_named(lake: Lake, column: str) -> None:
    lake.write_raw(DAY, ROWS, change=f"SELECT * EXCLUDE ({column}) FROM portfolio")
    assert f"date={DAY}/{FILENAME} has no column {column}" in failure(lake, DAY)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("part", "double"),
        ("part", "decimal(8,3)"),
        ("theoricalQty", "int"),
        ("DataCarteira", "string"),
    ],
)
def test_a_wrong_type_is_named(lake: Lake, column: str, kind: str) -> None:
    rows = [("Bancos", "ITUB4", "40.000", 1)]
    lake.write_raw(DAY, rows, change=replaced(column, f"CAST({column} AS {kind})"))
    assert f"date={DAY}/{FILENAME} has column {column} as {kind}, expected" in failure(lake, DAY)


def test_a_foreign_date_is_named(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, portfolio_day=NEXT_DAY)
    message = failure(lake, DAY)
    assert f"date={DAY}/{FILENAME} holds 2 of 2 rows whose DataCarteira is not {DAY}" in message
    assert f"for example {NEXT_DAY}" in message


def test_a_row_without_date_is_foreign_too(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, change=replaced("DataCarteira", "CAST(NULL AS DATE)"))
    assert f"2 of 2 rows whose DataCarteira is not {DAY}" in failure(lake, DAY)


@pytest.mark.parametrize("column", ["cod", "part", "theoricalQty"])
def test_a_missing_value_is_named(lake: Lake, column: str) -> None:
    blank = f"CASE WHEN cod <> 'ITUB4' THEN {column} END"
    lake.write_raw(DAY, ROWS, change=replaced(column, blank))
    assert f"holds 1 of 2 rows without {column}" in failure(lake, DAY)


def test_an_empty_object_is_named(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS, change="SELECT * FROM portfolio LIMIT 0")
    assert f"date={DAY}/{FILENAME} holds no rows" in failure(lake, DAY)


def test_an_object_that_is_no_parquet_is_named(lake: Lake) -> None:
    lake.raw_path(DAY).parent.mkdir(parents=True)
    lake.raw_path(DAY).write_text("<html>the CDN is sorry</html>")
    message = failure(lake, DAY)
    assert message.startswith(f"{lake.source}date={DAY}/{FILENAME} cannot be read as Parquet: ")
    assert "is not a Parquet file" in message


def test_a_missing_table_fails_before_anything_is_read(lake: Lake) -> None:
    with pytest.raises(job.RefineError, match=r"table default\.elsewhere is not in the catalog"):
        lake.run(DAY, table="elsewhere")


# What the functions and the template say of the same names: tests/file-names.json has them once.
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
        "--JOB_RUN_ID",
        "jr_1",
        "--claim_id",
        "claim-1",
        "--claim_id",
        "claim-2",
    ]
    arguments = job.parse_arguments(words({"--dates": "2026-11-21,2026-11-20,2026-11-21"}) + extra)
    assert [str(day) for day in arguments.dates] == ["2026-11-20", "2026-11-21"]
    assert (arguments.claim_id, arguments.as_of) == ("claim-2", None)


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
