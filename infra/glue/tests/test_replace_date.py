"""A date is replaced as a whole, in files and catalog, and the next run repairs a dead one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from lake import METADATA, Lake
from pyspark.sql import SparkSession

import refine as job
from conftest import DAY, NEXT_DAY

AWKWARD = [
    "Bens Indls / Máqs e Equips",
    "Petr  Gás e Biocombustíveis",
    "123",
    "007",
    "100% ação",
    "a:b=c",
    "Fim com espaço ",
    "Fim com ponto.",
    "aspas 'e' \"mais\" [x] {y} *?#^",
]
TWO_SECTORS = [("Petróleo", "PETR4", "60.000", 6_000_000_000), ("Bancos", "ITUB4", "40.000", 1)]
ONE_SECTOR = [("Petróleo", "PETR4", "100.000", 7)]


def test_awkward_sector_names_keep_their_text(lake: Lake) -> None:
    parts = [Decimal("4.125") + i for i in range(len(AWKWARD) - 1)]
    parts.append(100 - sum(parts))
    lake.write_raw(DAY, [(name, f"COD{i}", parts[i], i) for i, name in enumerate(AWKWARD)])
    report = lake.run(DAY)
    assert report["partitions_written"] == len(AWKWARD)
    assert lake.table() == {
        (str(DAY), name): (parts[i], 1, i, 10) for i, name in enumerate(AWKWARD)
    }


def test_paths_and_locations_are_hives(lake: Lake) -> None:
    lake.write_raw(DAY, [("Bens Indls / Máqs", "WEGE3", "99", 1), (None, "PETR4", "1", 1)])
    lake.run(DAY)
    folders = [f"Data={DAY}/Setor=Bens Indls %2F Máqs", f"Data={DAY}/Setor=Sem setor"]
    assert lake.files() == [f"{folder}/part-00000.snappy.parquet" for folder in folders]
    locations = {storage["Location"] for storage in lake.glue.partitions.values()}
    assert locations == {f"s3://lake/refined/{folder}/" for folder in folders}


def test_escaping_is_sparks_for_every_character(spark: SparkSession) -> None:
    escape = spark._jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.escapePathName
    text = "".join(chr(code) for code in range(1, 0x3000)) + "🜚"
    assert job.partition(DAY, text) == f"Data={DAY}/Setor={escape(text)}/"


def test_partitions_inherit_the_tables_serde(lake: Lake) -> None:
    lake.write_raw(DAY, ONE_SECTOR)
    lake.run(DAY)
    (storage,) = lake.glue.partitions.values()
    assert {**storage, "Location": None} == {
        **lake.glue.table["StorageDescriptor"],
        "Location": None,
    }


def test_a_vanished_sector_loses_files_and_partition(lake: Lake) -> None:
    lake.write_raw(DAY, TWO_SECTORS)
    lake.run(DAY)
    lake.write_raw(DAY, ONE_SECTOR)
    report = lake.run(DAY)
    assert (report["partitions_written"], report["partitions_dropped"]) == (1, 1)
    assert lake.table() == {(str(DAY), "Petróleo"): (Decimal("100.000"), 1, 7, 10)}
    assert lake.files() == [f"Data={DAY}/Setor=Petróleo/part-00000.snappy.parquet"]


def test_two_dates_in_one_run_and_a_third_left_alone(lake: Lake) -> None:
    third = "2026-11-24"
    for day in (DAY, NEXT_DAY, third):
        lake.write_raw(day, TWO_SECTORS, portfolio_day=job.parse_date(str(day)))
    lake.run(third)
    before = {key: row for key, row in lake.table().items() if key[0] == third}
    report = lake.run(DAY, NEXT_DAY, as_of="2026-12-01")
    assert report["dates"] == [str(DAY), str(NEXT_DAY)]
    assert (report["partitions_written"], report["partitions_dropped"]) == (4, 0)
    table = lake.table()
    assert {key[0] for key in table} == {str(DAY), str(NEXT_DAY), third}
    assert {key: row for key, row in table.items() if key[0] == third} == before
    assert table[(str(DAY), "Bancos")] == (Decimal("40.000"), 1, 1, 11)
    assert table[(str(NEXT_DAY), "Bancos")] == (Decimal("40.000"), 1, 1, 8)


def test_a_rerun_gives_the_same_lake_and_changes_no_partition(lake: Lake) -> None:
    lake.write_raw(DAY, TWO_SECTORS)
    lake.run(DAY)
    table, files = lake.table(), lake.files()
    lake.glue.calls.clear()
    assert lake.run(DAY)["partitions_dropped"] == 0
    assert (lake.table(), lake.files()) == (table, files)
    assert [name for name, _ in lake.glue.calls] == ["get_partitions"]


def test_files_are_there_before_their_partition_and_go_after_it(lake: Lake) -> None:
    seen = []

    def look(verb: str, partitions: list) -> None:
        folders = {path.rpartition("/")[0] for path in lake.files()}
        seen.append((verb, {f"Data={day}/Setor={sector}" in folders for day, sector in partitions}))

    lake.glue.before_call = look
    lake.write_raw(DAY, TWO_SECTORS)
    lake.run(DAY)
    lake.write_raw(DAY, ONE_SECTOR)
    lake.run(DAY)
    assert seen == [("create", {True}), ("delete", {True})]


@pytest.mark.parametrize("dies_at", ["create", "delete"])
def test_a_run_that_died_half_way_is_healed_by_running_again(lake: Lake, dies_at: str) -> None:
    lake.write_raw(DAY, TWO_SECTORS)
    lake.run(DAY)
    lake.write_raw(DAY, [*ONE_SECTOR, ("Novo", "NOVO3", "0.000", 1)])

    def die(verb: str, partitions: list) -> None:
        if verb == dies_at:
            raise ConnectionError("the worker is gone")

    lake.glue.before_call = die
    with pytest.raises(ConnectionError):
        lake.run(DAY)
    lake.glue.before_call = lambda verb, partitions: None
    lake.run(DAY)
    assert lake.table().keys() == {(str(DAY), "Petróleo"), (str(DAY), "Novo")}
    assert lake.files() == [
        f"Data={DAY}/Setor={name}/part-00000.snappy.parquet" for name in ("Novo", "Petróleo")
    ]


def test_files_of_another_writer_leave_the_date(lake: Lake) -> None:
    lake.write_raw(DAY, ONE_SECTOR)
    lake.run(DAY)
    date_folder = f"refined/Data={DAY}/"
    for folder in (f"{date_folder}Setor=Petróleo/", f"{date_folder}Setor=Velho/", date_folder):
        lake.s3.objects[f"{folder}part-00007-1234.c000.snappy.parquet"] = b"another writer's"
    other = "refined/Data=2026-11-2/Setor=Velho/part-0.parquet"
    lake.s3.objects[other] = b"of no date of this run"
    lake.run(DAY)
    kept = f"Data={DAY}/Setor=Petróleo/part-00000.snappy.parquet"
    assert lake.files() == [other.removeprefix("refined/"), kept]


def test_a_file_that_cannot_be_deleted_is_named(lake: Lake) -> None:
    lake.write_raw(DAY, ONE_SECTOR)
    stale = f"refined/Data={DAY}/Setor=Velho/part-0.parquet"
    lake.s3.objects[stale] = b"another writer's"
    lake.s3.undeletable = {stale}
    told = f"S3 refused to delete 1 object(s) of s3://lake, first {stale}: AccessDenied no"
    assert lake.try_run(DAY)[1] == {DAY: told}
    assert lake.done() == {}


def test_done_says_what_was_really_read(lake: Lake) -> None:
    lake.write_raw(DAY, TWO_SECTORS)
    read = lake.s3.etag(lake.raw_key(DAY))
    # During the run, a newer portfolio replaces the one that was read.
    lake.glue.before_call = lambda verb, partitions: lake.write_raw(DAY, ONE_SECTOR)
    lake.run(DAY)
    assert read != lake.s3.etag(lake.raw_key(DAY))
    ((key, done),) = lake.done().items()
    assert key == f"{DAY}/{read}"
    started_at = datetime.fromisoformat(done.pop("started_at"))
    assert timedelta(0) <= datetime.now(UTC) - started_at < timedelta(minutes=1)
    assert done == {
        "landing_key": METADATA["landing-key"],
        "content": METADATA["content-hash"],
        "run_id": "jr_1",
    }
    assert lake.table().keys() == {(str(DAY), "Petróleo"), (str(DAY), "Bancos")}


def test_done_is_forgotten_before_a_row_changes_and_said_when_all_is_in_place(lake: Lake) -> None:
    lake.write_raw(DAY, TWO_SECTORS)
    lake.run(DAY)
    earlier, other = lake.keys("control/"), f"control/refine/done/date={NEXT_DAY}/0123"
    lake.s3.objects[other] = b"{}"
    # An object of another program, with a similar name.
    foreign = f"control/refine/done/date={DAY}.json"
    lake.s3.objects[foreign] = b"{}"
    lake.write_raw(DAY, ONE_SECTOR)
    lake.s3.calls.clear()
    lake.run(DAY)
    changes = [(what, key) for what, key in lake.s3.calls if what in ("put", "delete")]
    (done,) = set(lake.keys("control/")) - {other, foreign}
    assert changes == [
        ("delete", *earlier),
        ("put", f"refined/Data={DAY}/Setor=Petróleo/part-00000.snappy.parquet"),
        ("delete", f"refined/Data={DAY}/Setor=Bancos/part-00000.snappy.parquet"),
        ("put", done),
    ]


@pytest.mark.parametrize("dies_at", ["put refined/", "create", "delete", "put control/"])
def test_a_date_that_was_not_finished_is_not_done(lake: Lake, dies_at: str) -> None:
    lake.write_raw(DAY, TWO_SECTORS)
    lake.run(DAY)
    lake.write_raw(DAY, [*ONE_SECTOR, ("Novo", "NOVO3", "0.000", 1)])

    def die(verb: str, key: object) -> None:
        if f"{verb} {key}".startswith(dies_at):
            raise ConnectionError("the worker is gone")

    lake.glue.before_call = die
    lake.s3.before_call = die if dies_at.startswith("put") else lambda operation, key: None
    with pytest.raises(ConnectionError):
        lake.run(DAY)
    assert lake.done() == {}
