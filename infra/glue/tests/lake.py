"""A lake in memory: writes raw files, runs the job, and reads the refined table.

DuckDB writes the raw files and reads the refined ones, so Spark is checked against another program.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
from fake_glue import FakeGlue
from fake_s3 import FakeS3, refusal
from pyspark.sql import SparkSession

import refine as job

AS_OF = date(2026, 11, 30)
FILENAME = "ibov_setor.parquet"
REFINED = "refined/"
METADATA = {"landing-key": "landing/index=IBOV/…", "content-hash": "0123"}


class Lake:
    def __init__(self, spark: SparkSession, scratch: Path) -> None:
        self.spark, self.scratch = spark, scratch
        self.s3, self.glue = FakeS3("lake"), FakeGlue()
        # The dates that the last run could not mark as failed, with the causes.
        self.unmarked: dict[date, str] = {}

    def raw_key(self, day: date) -> str:
        return f"raw/date={day}/{FILENAME}"

    def raw_path(self, day: date) -> str:
        return f"s3://lake/{self.raw_key(day)}"

    def write_raw(
        self,
        day: date,
        rows: list[tuple],
        portfolio_day: date | None = None,
        change: str = "SELECT * FROM portfolio",
        says: dict[str, str] | None = None,
        metadata: dict[str, str] = METADATA,
    ) -> None:
        """Write `(segment, cod, part, theoricalQty)` rows as one raw file. The SQL of `change` may
        spoil the rows, and `says` the footer.
        """
        path = self.scratch / FILENAME
        totals = {
            "total-part": str(sum(Decimal(part) for _, _, part, _ in rows)),
            "total-theorical-qty": str(sum(quantity for _, _, _, quantity in rows)),
        }
        footer = ", ".join(f"'{key}': '{text}'" for key, text in (totals | (says or {})).items())
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
            options = f"FORMAT parquet, COMPRESSION snappy, KV_METADATA {{{footer}}}"
            database.execute(f"COPY ({change}) TO '{path}' ({options})")
        self.put_raw(day, path.read_bytes(), metadata)

    def put_raw(self, day: date, body: bytes, metadata: dict[str, str] = METADATA) -> None:
        self.s3.objects[self.raw_key(day)] = body
        self.s3.metadata[self.raw_key(day)] = metadata

    def words(
        self,
        *dates: date,
        table: str = "tb_ibov_refined",
        as_of: date = AS_OF,
        run_id: str | None = "jr_1",
    ) -> list[str]:
        """The arguments of a run."""
        arguments = {
            "--dates": ",".join(map(str, dates)),
            "--JOB_RUN_ID": run_id,
            "--as_of": str(as_of),
            "--source": "s3://lake/raw/",
            "--target": f"s3://lake/{REFINED}",
            "--filename": FILENAME,
            "--database": "default",
            "--table": table,
        }
        return [word for item in arguments.items() for word in item if item[1] is not None]

    def try_run(self, *dates: date, **arguments: Any) -> tuple[dict, dict[date, str]]:
        """One run: its report, and the causes of the failed dates."""
        parsed = job.parse_arguments(self.words(*dates, **arguments))
        report, failed, self.unmarked = job.run(self.spark, self.s3, self.glue, parsed)
        return report, failed

    def run(self, *dates: date, as_of: date = AS_OF) -> dict:
        """One run that must refine all of its dates."""
        report, failed = self.try_run(*dates, as_of=as_of)
        assert failed == {}
        return report

    def refuse(self, operation: str, part: str, code: str = "SlowDown") -> None:
        """From now on, S3 refuses to get or put objects with `part` in their keys."""

        def refuse(called: str, key: str) -> None:
            if called == operation and part in key:
                raise refusal(f"{operation.title()}Object", code)

        self.s3.before_call = refuse

    def files(self) -> list[str]:
        return [key.removeprefix(REFINED) for key in self.keys(REFINED)]

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.s3.objects if key.startswith(prefix))

    def done(self) -> dict[str, dict]:
        """The `done` objects: `2026-11-20/<etag>` → source of the rows."""
        return self._bodies("control/refine/done/date=")

    def marks(self) -> dict[str, dict]:
        """The failed marks: `2026-11-20/<etag>/<run id>` → the mark."""
        return self._bodies("control/refine/failed/date=")

    def mark_key(self, day: date, run_id: str = "jr_1") -> str:
        etag = self.s3.etag(self.raw_key(day))
        return f"control/refine/failed/date={day}/{etag}/{run_id}"

    def _bodies(self, prefix: str) -> dict[str, dict]:
        return {
            key.removeprefix(prefix): json.loads(self.s3.objects[key]) for key in self.keys(prefix)
        }

    def table(self) -> dict[tuple[str, str], tuple]:
        """The table through the catalog: (date, sector) → values, read from the partitions'
        Locations.
        """
        rows = {}
        for values, storage in self.glue.partitions.items():
            folder = storage["Location"].removeprefix("s3://lake/")
            assert unquote(folder.rstrip("/").rpartition("/")[2]) == f"Setor={values[1]}"
            (key,) = self.keys(folder)
            path = self.scratch / "refined.parquet"
            path.write_bytes(self.s3.objects[key])
            with duckdb.connect() as database:
                reader = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
                (rows[values],) = database.execute(reader, [str(path)]).fetchall()
        return rows

    def download(self, folder: Path) -> Path:
        """Copy the refined files into a folder, for readers of files."""
        for name in self.files():
            path = folder / name
            path.parent.mkdir(parents=True)
            path.write_bytes(self.s3.objects[REFINED + name])
        return folder
