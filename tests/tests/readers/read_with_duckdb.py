"""Print Parquet files as DuckDB reads them: one JSON document for all files of the command line."""

import json
import sys

import duckdb


def text(value: object) -> str | None:
    return None if value is None else str(value)


def read(path: str) -> dict:
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)")
    rows = [[text(value) for value in row] for row in found.fetchall()]
    footer = duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{path}')").fetchall()
    facts = {key.decode(): value.decode() for key, value in footer}
    chunks = duckdb.sql(f"SELECT compression, encodings FROM parquet_metadata('{path}')").fetchall()
    facts["compression"] = ",".join(sorted({compression for compression, _ in chunks}))
    encodings = {name for _, names in chunks for name in names.split(", ")}
    facts["encodings"] = ",".join(sorted(encodings))
    types = zip(found.columns, map(str, found.types), strict=True)
    return {"columns": list(types), "rows": rows, "facts": facts}


json.dump([read(path) for path in sys.argv[1:]], sys.stdout, ensure_ascii=False)
