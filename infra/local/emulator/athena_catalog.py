"""Athena over partitioned Parquet tables: data is found by partition, never by folder names.

ministack lists everything below the table's Location and takes partition values from folder names,
case and escapes included. Athena asks the catalog: each partition registered in Glue has its own
Location (`athena_catalog`), or the table computes its partitions from its projection properties
(`athena_projection.py`). An unregistered folder has no rows, and a registered one has them under
any name. Columns are the table's, matched by name regardless of case; other columns of the files
are hidden.

Patches in `ministack.services.athena`: `_rewrite_data_paths`. Uses `_table_references`,
`_materialize_table_files`, `_data_format`, `_qualified_column_prefixes`,
`_DUCKDB_TYPE_BY_ATHENA`, and `_tables`, `_partitions` of `ministack.services.glue`.
"""

import csv
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.services import athena, glue

import athena_projection
import athena_rows
import athena_views
import kept_bucket
import pinned

JSON = dict[str, Any]


@dataclass(frozen=True)
class Partition:
    # Texts, in the order of the table's partition keys.
    values: tuple[str, ...]
    location: str


def install() -> None:
    pinned.require(
        athena,
        *("_rewrite_data_paths", "_table_references", "_materialize_table_files", "_data_format"),
        *("_qualified_column_prefixes", "_DUCKDB_TYPE_BY_ATHENA"),
    )
    pinned.require(glue, "_tables", "_partitions")
    athena_projection.install()
    athena_views.install()
    rewrite_others = athena._rewrite_data_paths

    async def rewrite_data_paths(
        query: str, database: str | None, catalog: str | None = None
    ) -> tuple[str, JSON, list[str]]:
        query = athena_views.expand(query, database)
        query, folders = replace_partitioned_tables(query, database)
        query, buckets, more_folders = await rewrite_others(query, database, catalog)
        return query, buckets, folders + more_folders

    athena._rewrite_data_paths = rewrite_data_paths


def replace_partitioned_tables(query: str, database: str | None) -> tuple[str, list[str]]:
    """Replaces each partitioned Parquet table by a DuckDB relation. Also returns the folders that
    these read."""
    edits: set[tuple[int, int, str]] = set()
    folders: list[str] = []
    for reference in athena._table_references(query):
        name = reference.database or database or "default"
        table = glue._tables.get(f"{name}/{reference.table}")
        if not table or not table.get("PartitionKeys") or athena._data_format(table) != "parquet":
            continue
        alias = "" if reference.aliased else f' AS "{reference.table}"'
        edit = (reference.start, reference.end, relation(table, folders) + alias)
        edits.add(edit)
        if not reference.aliased:
            edits.update(athena._qualified_column_prefixes(query, name, reference.table, edit))
    for start, end, text in sorted(edits, reverse=True):
        query = query[:start] + text + query[end:]
    return query, folders


def relation(table: JSON, folders: list[str]) -> str:
    """The table's rows: one scan of all files, joined with the partition values of each file."""
    keys = table["PartitionKeys"]
    fields = [*(table["StorageDescriptor"].get("Columns") or []), *keys]
    # No rows, but every column with the table's type: a column that a file lacks is NULL, as in
    # Athena.
    nulls = ", ".join(f"CAST(NULL AS {duckdb_type(field)}) AS {quoted(field)}" for field in fields)
    source = f"SELECT {nulls} WHERE false"
    files = [
        (file, partition)
        for partition in partitions_of(table)
        for file in athena._materialize_table_files(partition.location, folders)
    ]
    if files:
        source += f" UNION ALL BY NAME {scan(table, files, keys, folders)}"
    return f"(SELECT {', '.join(quoted(field) for field in fields)} FROM ({source}))"


def scan(
    table: JSON, files: list[tuple[str, Partition]], keys: list[JSON], folders: list[str]
) -> str:
    root = kept_bucket.folder_of(table["StorageDescriptor"]["Location"])
    rows = athena_rows.sources([file for file, _ in files], root)
    values = ", ".join(f"partition_.{quoted(key)}" for key in keys)
    partitions = table_of_partitions(files, rows.stamps, keys, folders)
    return (
        f"SELECT content.*, {values} FROM {rows.relation} AS content JOIN {partitions} "
        f"AS partition_ USING ({athena_rows.FILE_COLUMN}, {athena_rows.STAMP_COLUMN})"
    )


def table_of_partitions(
    files: list[tuple[str, Partition]],
    stamps: dict[str, str],
    keys: list[JSON],
    folders: list[str],
) -> str:
    """Each file with its stamp and the values of its partition. They are read from a CSV file,
    because DuckDB takes a second and more for VALUES of a year's partitions."""
    folder = tempfile.mkdtemp(prefix="partitions-")
    folders.append(folder)
    path = Path(folder, "partitions.csv")
    with path.open("w", newline="") as opened:
        rows = csv.writer(opened, quoting=csv.QUOTE_ALL)
        rows.writerows((file, stamps[file], *partition.values) for file, partition in files)
    types = {athena_rows.FILE_COLUMN: "VARCHAR", athena_rows.STAMP_COLUMN: "VARCHAR"}
    types |= {str(key["Name"]): duckdb_type(key) for key in keys}
    columns = ", ".join(f"{text_literal(name)}: '{declared}'" for name, declared in types.items())
    return (
        f"read_csv({text_literal(str(path))}, columns = {{{columns}}}, header = false, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        "allow_quoted_nulls = false)"
    )


def partitions_of(table: JSON) -> list[Partition]:
    if athena_projection.is_projected(table):
        return [
            Partition(values, location)
            for values, location in athena_projection.partitions(table).items()
        ]
    registered = glue._partitions.get(f"{table['DatabaseName']}/{table['Name']}", [])
    return [
        Partition(tuple(entry["Values"]), entry["StorageDescriptor"]["Location"])
        for entry in registered
    ]


def duckdb_type(field: JSON) -> str:
    declared = str(field.get("Type", "string")).lower().strip()
    # A decimal keeps its precision and scale: Athena prints 2.660 where the scale is three.
    if re.fullmatch(r"decimal\(\d+,\s*\d+\)", declared):
        return declared.upper()
    return athena._DUCKDB_TYPE_BY_ATHENA.get(declared.split("(")[0], "VARCHAR")


def quoted(field: JSON) -> str:
    return '"' + str(field["Name"]).replace('"', '""') + '"'


def text_literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
