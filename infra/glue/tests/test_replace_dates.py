"""A date is replaced whole, in files and in the catalog, and a dead run is healed by the next."""

from decimal import Decimal

import pytest
from lake import Lake
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
    lake.write_raw(DAY, [(name, f"COD{i}", f"{i}.125", i) for i, name in enumerate(AWKWARD)])
    report = lake.run(DAY)
    assert report["partitions_written"] == len(AWKWARD)
    assert lake.table() == {
        (str(DAY), name): (Decimal(f"{i}.125"), 1, i, 10) for i, name in enumerate(AWKWARD)
    }


def test_paths_and_locations_are_hives(lake: Lake) -> None:
    lake.write_raw(DAY, [("Bens Indls / Máqs", "WEGE3", "1", 1), (None, "PETR4", "1", 1)])
    lake.run(DAY)
    folders = [f"Data={DAY}/Setor=Bens Indls %2F Máqs", f"Data={DAY}/Setor=Sem setor"]
    assert lake.files() == [f"{folder}/part-00000.snappy.parquet" for folder in folders]
    locations = {storage["Location"] for storage in lake.glue.partitions.values()}
    assert locations == {f"{lake.target}{folder}/" for folder in folders}


def test_escaping_is_undone_for_every_character(spark: SparkSession) -> None:
    text = "".join(chr(code) for code in range(1, 256)) + "ação"
    escape = spark._jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.escapePathName
    assert job.partition_values(f"Data={DAY}/Setor={escape(text)}") == (str(DAY), text)


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
        folders = {path.rpartition("/")[0] for path in lake.files() if not path.startswith("_")}
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
    stays, goes = (
        lake.root / "refined" / f"Data={DAY}" / f"Setor={name}" for name in ("Petróleo", "Velho")
    )
    goes.mkdir()
    for folder in (stays, goes, goes.parent):
        (folder / "part-00007-1234.c000.snappy.parquet").write_bytes(b"another writer's")
    lake.run(DAY)
    assert lake.files() == [f"Data={DAY}/Setor=Petróleo/part-00000.snappy.parquet"]
