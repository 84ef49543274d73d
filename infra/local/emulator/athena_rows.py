"""The rows of many small files, copied into few: DuckDB opens only about 3,000 files a second.

A chunk holds the rows of files as they were, with the name and the stamp of each. A file that was
replaced has another stamp, so that its old rows are never read. Files are added to a new chunk when
MANY of them are in none. Chunks lie in `rows/` of a kept bucket's private folder, and may be
deleted at any time.
"""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import duckdb

# Enough that chunks stay few, and few enough that no query waits long for a chunk.
MANY = 400

# Names that no table uses.
FILE_COLUMN, STAMP_COLUMN = "__file", "__stamp"

_writes = threading.Lock()


@dataclass(frozen=True)
class Sources:
    # Where the rows of all files are.
    relation: str
    # The stamp by which the rows of each file are known; empty if they are read from the file.
    stamps: dict[str, str]


def sources(files: list[str], root: Path | None) -> Sources:
    """A DuckDB relation with the rows of `files`, and perhaps others under other stamps."""
    stamps = dict.fromkeys(files, "")
    if root is None:
        return Sources(direct(files), stamps)
    folder = root / ".ibov" / "rows"
    with _writes:
        found = {file: stamp(file) for file in files}
        chunks = read_chunks(folder, root)
        cached = {entry for entries in chunks.values() for entry in entries}
        missing = [file for file in files if (file, found[file]) not in cached]
        if len(missing) >= MANY:
            chunk = write_chunk(folder, root, {file: found[file] for file in missing})
            chunks[chunk] = {(file, found[file]) for file in missing}
            missing = []
    wanted = set(found.items())
    used = [chunk for chunk, entries in chunks.items() if not wanted.isdisjoint(entries)]
    stamps |= {file: found[file] for file in set(files).difference(missing)}
    relations = [direct(missing)] if missing else []
    if used:
        relations.append(
            f"(SELECT * REPLACE ({text(f'{root}/')} || {FILE_COLUMN} AS {FILE_COLUMN}) "
            f"FROM read_parquet({texts([str(chunk) for chunk in used])}, union_by_name = true))"
        )
    selects = [f"SELECT * FROM {relation}" for relation in relations]
    return Sources(f"({' UNION ALL BY NAME '.join(selects)})", stamps)


def direct(files: list[str]) -> str:
    return (
        f"(SELECT *, '' AS {STAMP_COLUMN} FROM read_parquet({texts(files)}, union_by_name = true, "
        f"hive_partitioning = false, filename = '{FILE_COLUMN}'))"
    )


def read_chunks(folder: Path, root: Path) -> dict[Path, set[tuple[str, str]]]:
    """The files of each chunk, with their stamps."""
    found = {}
    for index in sorted(folder.glob("*.json")):
        entries = json.loads(index.read_bytes())
        found[index.with_suffix(".parquet")] = {(f"{root}/{key}", of) for key, of in entries}
    return found


def write_chunk(folder: Path, root: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1
    chunk = folder / f"{number:06}.parquet"
    entries = [(file.removeprefix(f"{root}/"), of) for file, of in files.items()]
    index = chunk.with_suffix(".json.new")
    index.write_text(json.dumps(entries))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT content.* REPLACE (stamps.key AS {FILE_COLUMN}, "
            f"stamps.stamp AS {STAMP_COLUMN}) FROM {direct(list(files))} AS content JOIN "
            f"(SELECT entry[1] AS key, entry[2] AS stamp FROM (SELECT unnest(json::VARCHAR[][]) "
            f"AS entry FROM read_json_objects({text(str(index))}, format = 'unstructured'))) "
            f"AS stamps ON content.{FILE_COLUMN} = {text(f'{root}/')} || stamps.key) "
            f"TO {text(str(chunk))} (FORMAT parquet)"
        )
    # Last: a chunk without its index is never read.
    os.replace(index, chunk.with_suffix(".json"))
    return chunk


def stamp(file: str) -> str:
    found = os.stat(file)
    return f"{found.st_mtime_ns}-{found.st_size}"


def texts(values: list[str]) -> str:
    return f"[{', '.join(text(value) for value in values)}]"


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
