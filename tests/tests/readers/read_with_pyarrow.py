"""Print Parquet files as pyarrow reads them: a JSON document for all files of the command line."""

import json
import sys

import pyarrow.parquet as pq


def text(value: object) -> str | None:
    return None if value is None else str(value)


def read(path: str) -> dict:
    found = pq.ParquetFile(path)
    table = found.read()
    rows = [[text(value) for value in row.values()] for row in table.to_pylist()]
    footer = found.metadata.metadata.items()
    types = [(field.name, str(field.type)) for field in table.schema]
    facts = {key.decode(): value.decode() for key, value in footer}
    return {"columns": types, "rows": rows, "facts": facts}


json.dump([read(path) for path in sys.argv[1:]], sys.stdout, ensure_ascii=False)
