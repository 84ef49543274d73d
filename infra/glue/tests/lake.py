"""A lake in a temporary folder: raw files to order, one run of the job over it, and what a reader
then finds.

DuckDB writes the raw files and reads the refined ones, so Spark is checked against another program.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import duckdb
from fake_glue import FakeGlue
from pyspark.sql import DataFrame, SparkSession

import refine as job

AS_OF = date(2026, 11, 30)
FILENAME = "ibov_setor.parquet"


class Lake:
    def __init__(self, spark: SparkSession, root: Path, glue: FakeGlue) -> None:
        self.spark, self.root, self.glue = spark, root, glue
        self.source, self.target = f"file://{root}/raw/", f"file://{root}/refined/"

    def raw_path(self, day: date) -> Path:
        return self.root / "raw" / f"date={day}" / FILENAME

    def write_raw(
        self,
        day: date,
        rows: list[tuple],
        portfolio_day: date | None = None,
        change: str = "SELECT * FROM portfolio",
    ) -> None:
        """Write `(segment, cod, part, theoricalQty)` rows as one raw file; the SQL of `change` may
        spoil it first.
        """
        path = self.raw_path(day)
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as database:
            database.execute(
                "CREATE TABLE portfolio (segment VARCHAR, cod VARCHAR, asset VARCHAR, "
                'type VARCHAR, part DECIMAL(6,3), "partAcum" DECIMAL(6,3), '
                '"theoricalQty" BIGINT, "DataCarteira" DATE)'
            )
            database.executemany(
                "INSERT INTO portfolio VALUES (?, ?, 'ACME', 'ON      NM', ?, NULL, ?, ?)",
                [(s, c, Decimal(p), q, portfolio_day or day) for s, c, p, q in rows],
            )
            database.execute(f"COPY ({change}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")

    def run(self, *dates: date, table: str = "tb_ibov_refined", as_of: date = AS_OF) -> dict:
        arguments = job.parse_arguments(
            [
                "--dates",
                ",".join(map(str, dates)),
                "--claim_id",
                "claim-1",
                "--as_of",
                str(as_of),
                "--source",
                self.source,
                "--target",
                self.target,
                "--filename",
                FILENAME,
                "--database",
                "default",
                "--table",
                table,
            ]
        )
        return job.run(self.spark, self.glue, arguments)

    def files(self) -> list[str]:
        root = self.root / "refined"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if is_data(path))

    def table(self) -> dict[tuple[str, str], tuple]:
        """What a reader of the catalog finds: (date, sector) → values, read from the partitions'
        Locations.
        """
        rows = {}
        for values, storage in self.glue.partitions.items():
            folder = Path(storage["Location"].removeprefix("file://"))
            assert unquote(folder.name) == f"Setor={values[1]}"
            (path,) = filter(is_data, folder.iterdir())
            with duckdb.connect() as database:
                reader = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
                (rows[values],) = database.execute(reader, [str(path)]).fetchall()
        return rows


def is_data(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def raw_frame(spark: SparkSession, rows: list[tuple], day: date) -> DataFrame:
    """The same rows as a DataFrame, of the columns that `refine` looks at."""
    schema = "segment string, cod string, part decimal(6,3), theoricalQty bigint, DataCarteira date"
    return spark.createDataFrame([(s, c, Decimal(p), q, day) for s, c, p, q in rows], schema)
