"""The refined files are as Spark itself would write them, and readable by others."""

import random
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from lake import AS_OF, Lake
from pyspark.sql import SparkSession

import refine as job
from conftest import DAY, NEXT_DAY

SECTORS = [
    "Bens Indls / Máqs e Equips",
    "Petr  Gás e Biocombustíveis",
    "007",
    "100% ação: x=y",
    "Fim com espaço ",
    "aspas 'e' \"mais\" [x] {y} *?#^\\",
    "",
    None,
]
COLUMNS = ["soma_part", "total_codigo", "soma_qtd_teorica", "dias_desde_carteira"]


def portfolio(constituents: int) -> list[tuple]:
    """Random rows whose weights add up to 100."""
    rng = random.Random(20261120)
    cuts = sorted(rng.choices(range(100_001), k=constituents - 1))
    weights = [after - before for before, after in pairwise([0, *cuts, 100_000])]
    return [
        (
            rng.choice(SECTORS),
            f"COD{number}",
            str(Decimal(weight) / 1000),
            rng.randrange(0, 6_000_000_000),
        )
        for number, weight in enumerate(weights)
    ]


PORTFOLIOS = {DAY: portfolio(300), NEXT_DAY: portfolio(280)}


@pytest.fixture
def files(lake: Lake, tmp_path: Path) -> Path:
    """The job's files of two days."""
    for day, rows in PORTFOLIOS.items():
        lake.write_raw(day, rows)
    lake.run(*PORTFOLIOS)
    return lake.download(tmp_path / "refined")


@pytest.fixture
def sparks(spark: SparkSession, tmp_path: Path) -> Path:
    """The files that Spark itself writes for the same rows."""
    values = [(s, c, Decimal(p), q, day) for day, rows in PORTFOLIOS.items() for s, c, p, q in rows]
    folder = tmp_path / "sparks"
    refined = job.refine(spark.createDataFrame(values, job.RAW_ROW), AS_OF).coalesce(1)
    refined.write.partitionBy("Data", "Setor").parquet(folder.as_uri())
    return folder


def partitions(folder: Path) -> dict[str, Path]:
    return {str(file.parent.relative_to(folder)): file for file in folder.rglob("*.parquet")}


def test_folders_schema_and_rows_are_what_spark_writes(files: Path, sparks: Path) -> None:
    ours, theirs = partitions(files), partitions(sparks)
    assert len(ours) == 2 * (len(SECTORS) - 1)
    assert ours.keys() == theirs.keys()
    for name, file in ours.items():
        mine, sparks_own = pq.ParquetFile(file), pq.ParquetFile(theirs[name])
        columns = [physical(mine.schema.column(place)) for place in range(4)]
        assert columns == [physical(sparks_own.schema.column(place)) for place in range(4)]
        assert mine.read().to_pylist() == sparks_own.read().to_pylist()
        assert mine.metadata.row_group(0).column(0).compression == "SNAPPY"


def physical(column: object) -> tuple:
    """A column's physical form. A definition level of 0 means a column that is never null."""
    names = ("name", "physical_type", "length", "max_definition_level")
    logical = "DECIMAL" if column.converted_type == "DECIMAL" else "NONE"
    return (*(getattr(column, name) for name in names), logical, column.precision, column.scale)


@pytest.mark.parametrize("vectorised", ["true", "false"])
def test_spark_reads_them(spark: SparkSession, files: Path, vectorised: str) -> None:
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", vectorised)
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    try:
        found = spark.read.parquet(files.as_uri())
        assert found.dtypes[:4] == list(
            zip(COLUMNS, ["decimal(16,3)", "bigint", "bigint", "int"], strict=True)
        )
        read = {(row["Data"], row["Setor"]): tuple(row)[:4] for row in found.collect()}
    finally:
        spark.conf.unset("spark.sql.parquet.enableVectorizedReader")
        spark.conf.unset("spark.sql.sources.partitionColumnTypeInference.enabled")
    assert read == expected()


def test_duckdb_reads_them(lake: Lake, files: Path) -> None:
    assert lake.table() == expected()
    reader = "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)"
    first = str(next(iter(partitions(files).values())))
    found = duckdb.execute(reader, [first]).fetchall()
    types = ["DECIMAL(16,3)", "BIGINT", "BIGINT", "INTEGER"]
    assert [tuple(row[:2]) for row in found] == list(zip(COLUMNS, types, strict=True))


def expected() -> dict[tuple[str, str], tuple]:
    """The same sums in plain Python."""
    sums: dict[tuple[str, str], list] = {}
    for day, age in ((DAY, 10), (NEXT_DAY, 7)):
        for sector, _, part, quantity in PORTFOLIOS[day]:
            row = sums.setdefault((str(day), sector or "Sem setor"), [Decimal(0), 0, 0, age])
            row[0] += Decimal(part)
            row[1] += 1
            row[2] += quantity
    return {key: tuple(row) for key, row in sums.items()}
