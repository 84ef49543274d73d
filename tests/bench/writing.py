"""Writes one portfolio as Parquet many times, with one library, and prints what that took.

    python writing.py LIBRARY COUNT LANDING_OBJECT

From columns of plain values to a Parquet file in memory, compressed with Snappy; all else is as the
library has it by default. DuckDB, which writes only files, scans an Arrow table and writes to
shared memory.
"""

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

Columns = dict[str, list[Any]]


def columns(landing: Path) -> Columns:
    """The columns of the raw file."""
    [page] = json.loads(landing.read_text(encoding="utf-8"))["pages"]
    answer = json.loads(page)
    rows = answer["results"]
    return {
        "segment": [row["segment"] for row in rows],
        "cod": [row["cod"] for row in rows],
        "asset": [row["asset"] for row in rows],
        "type": [row["type"] for row in rows],
        "part": [decimal(row["part"]) for row in rows],
        "partAcum": [decimal(row["partAcum"]) for row in rows],
        "theoricalQty": [int(row["theoricalQty"].replace(".", "")) for row in rows],
        "DataCarteira": [session(answer["header"]["date"])] * len(rows),
    }


def decimal(text: str) -> Decimal:
    return Decimal(text.replace(".", "").replace(",", "."))


def session(text: str) -> date:
    day, month, year = map(int, text.split("/"))
    return date(2000 + year, month, day)


def with_pyarrow(values: Columns) -> Callable[[], int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = arrow_schema(pa)

    def write() -> int:
        file = io.BytesIO()
        pq.write_table(pa.table(values, schema=schema), file, compression="snappy")
        return file.tell()

    return write


def with_polars(values: Columns) -> Callable[[], int]:
    import polars as pl

    weight = pl.Decimal(6, 3)
    text = dict.fromkeys(("segment", "cod", "asset", "type"), pl.String)
    weights = dict.fromkeys(("part", "partAcum"), weight)
    schema = text | weights | {"theoricalQty": pl.Int64, "DataCarteira": pl.Date}

    def write() -> int:
        file = io.BytesIO()
        pl.DataFrame(values, schema=schema).write_parquet(file, compression="snappy")
        return file.tell()

    return write


def with_duckdb(values: Columns) -> Callable[[], int]:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    folder = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="ibov-bench-")
    path = Path(folder.name) / "raw.parquet"

    def write() -> int:
        connection.register("portfolio", pa.table(values, schema=arrow_schema(pa)))
        connection.execute(f"COPY portfolio TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
        # The folder lives as long as this function.
        return path.stat().st_size if folder else 0

    return write


def arrow_schema(pa: Any) -> Any:
    text, weight = pa.string(), pa.decimal128(6, 3)
    names = ("segment", "cod", "asset", "type")
    fields = [*((name, text) for name in names), ("part", weight), ("partAcum", weight)]
    return pa.schema([*fields, ("theoricalQty", pa.int64()), ("DataCarteira", pa.date32())])


LIBRARIES = {"pyarrow": with_pyarrow, "polars": with_polars, "DuckDB": with_duckdb}


def main() -> None:
    library, count, landing = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    write = LIBRARIES[library](columns(landing))
    size = write()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        write()
    found = {
        "wall_s": (time.perf_counter() - wall) / count,
        "cpu_s": (time.process_time() - cpu) / count,
        "bytes": size,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
