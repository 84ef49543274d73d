"""Refine raw portfolios: one row, and one partition in the catalog, for each date and sector.

The same file runs on AWS Glue 5.1 (Spark 3.5.6, Python 3.11) and on a local Spark, and cannot tell
which. It does not use awsglue: GlueContext is for DynamicFrames and Job for bookmarks, and there
are neither. `refine()` is the whole transformation, and Spark does nothing else: a plain S3 client
reads the input and writes the result, since Spark and Hadoop would need several requests and a copy
in place of a single PutObject. Each raw object is read only once, so that the bytes that were
checked are those that were summed and those that `done` names.

A date that cannot be refined does not stop the others (see `for_each_date`). The date is marked as
failed before the run ends, and not refined again until a person asks for it. The other dates are
written in an order that keeps the table readable throughout and lets the next run repair it if this
one dies (see `replace_date`).

The rules of quality.dqdl are enforced on each date before anything of it is replaced (see
`check_quality`). What is only odd is a warning, which `done` carries (see `session_warnings`).
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

NO_SECTOR = "Sem setor"
MAX_DATES = 366
# One object per date and sector, always with the same name, so that a single PutObject replaces it.
DATA_FILE = "part-00000.snappy.parquet"
# Outside the tables' folders: the raw object that each date's rows were made from, and the raw
# objects that failed, each with its run.
DONE, FAILED = "control/refine/done/", "control/refine/failed/"
# The limits of one call.
CREATE_BATCH, UPDATE_BATCH, DELETE_BATCH, OBJECTS_BATCH = 100, 100, 25, 1000
# S3 calls wait far more than they compute. The catalog throttles sooner, and gets at most
# DATES_AT_ONCE calls at a time.
S3_THREADS, DATES_AT_ONCE = 32, 8
# Characters of the run's ErrorMessage (Glue does not document how many it shows), and of the cause
# of one date.
MESSAGE_LENGTH, CAUSE_LENGTH = 1000, 400

RAW_COLUMNS = {
    "segment": pa.string(),
    "cod": pa.string(),
    "asset": pa.string(),
    "type": pa.string(),
    "part": pa.decimal128(6, 3),
    "partAcum": pa.decimal128(6, 3),
    "theoricalQty": pa.int64(),
    "DataCarteira": pa.date32(),
}
# A null in one of these would silently drop the row from a sum or a count.
REQUIRED_COLUMNS = ("cod", "part", "theoricalQty")
# The input columns of `refine`, as a Spark schema.
RAW_ROW = "segment string, cod string, part decimal(6,3), theoricalQty bigint, DataCarteira date"
# The schema that Spark itself would write, nullability included.
REFINED_COLUMNS = pa.schema(
    [
        pa.field("soma_part", pa.decimal128(16, 3)),
        pa.field("total_codigo", pa.int64(), nullable=False),
        pa.field("soma_qtd_teorica", pa.int64()),
        pa.field("dias_desde_carteira", pa.int32()),
    ]
)


# What the rules of quality.dqdl allow: how far a date's weights may be from 100, how far off each
# of them is rounded, and which part of its constituents a session may lose unnoticed.
WEIGHTS, WEIGHTS_OFF, ROUNDING = Decimal(100), Decimal("0.010"), Decimal("0.001")
LARGEST_DROP = Decimal("0.2")


class Rule(StrEnum):
    """The rules of quality.dqdl, by their names there."""

    ROWS = "rows"
    KEY = "key"
    SUMS = "sums"
    WEIGHTS = "weights"
    TOTALS = "totals"
    CONSTITUENTS = "constituents"


class RefineError(Exception):
    """A failure in one line, which Glue shows as ErrorMessage: what happened, to which object, and
    what to do."""


# ---------------------------------------------------------------- the transformation


def refine(raw: DataFrame, as_of: date) -> DataFrame:
    """Sum each sector and date. `dias_desde_carteira` counts the days up to `as_of`.

    Exact types only: DECIMAL(6,3) sums to DECIMAL(16,3) and BIGINT to BIGINT, and a sum that does
    not fit is null. An empty segment counts as missing, since Hive has no folder name for an empty
    partition value.
    """
    named = F.when(F.col("segment") != "", F.col("segment"))
    sector = F.coalesce(named, F.lit(NO_SECTOR))
    by_sector = raw.groupBy(sector.alias("Setor"), F.col("DataCarteira").alias("Data")).agg(
        F.try_sum("part").cast("decimal(16,3)").alias("soma_part"),
        F.count("cod").alias("total_codigo"),
        F.try_sum("theoricalQty").alias("soma_qtd_teorica"),
    )
    days = F.datediff(F.lit(as_of), F.col("Data")).alias("dias_desde_carteira")
    return by_sector.select("Setor", "Data", "soma_part", "total_codigo", "soma_qtd_teorica", days)


# ---------------------------------------------------------------- arguments


class Arguments(argparse.ArgumentParser):
    """Fails with a RefineError: of argparse's own exit, Glue would show only `SystemExit: 2`."""

    def error(self, message: str) -> None:
        raise RefineError(f"job arguments: {message}")


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Parse our own arguments; Glue adds others. A repeated argument overrides the earlier one."""
    # Not --etags, the raw objects that the run was started for: `done` records the object read.
    parser = Arguments(prog="refine.py", allow_abbrev=False, add_help=False)
    parser.add_argument("--dates", type=parse_dates, required=True)
    parser.add_argument("--source", type=parse_folder, required=True)
    parser.add_argument("--target", type=parse_folder, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--filename", type=parse_filename, required=True)
    parser.add_argument("--JOB_NAME", default="refine")
    parser.add_argument("--JOB_RUN_ID", default="")
    parser.add_argument("--as_of", type=parse_date, default=None)
    return parser.parse_known_args(argv)[0]


def parse_date(text: str) -> date:
    """Exactly the form `2026-11-20`: the text becomes part of object names."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-11-20")


def parse_dates(text: str) -> list[date]:
    """Comma-separated dates, sorted and without duplicates."""
    dates = sorted({parse_date(part.strip()) for part in text.split(",") if part.strip()})
    if not dates:
        raise argparse.ArgumentTypeError("name at least one date, like 2026-11-20,2026-11-21")
    if len(dates) > MAX_DATES:
        raise argparse.ArgumentTypeError(
            f"{len(dates)} dates, and one run takes {MAX_DATES} at most: split them"
        )
    return dates


class Folder(NamedTuple):
    """A parsed `s3://bucket/prefix/`. The prefix ends with a slash."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def parse_folder(text: str) -> Folder:
    found = re.fullmatch(r"s3://([^/]+)/(.+?)/*", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder like s3://bucket/raw/")
    return Folder(found[1], found[2] + "/")


def parse_filename(text: str) -> str:
    # The same rule as in the template and the functions. Spark skips files whose names begin with
    # _ or . and takes * ? [ { in a path for a pattern.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,91}\.parquet", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a plain file name such as ibov_setor.parquet"
        )
    return text


# ---------------------------------------------------------------- reading raw


@dataclass(frozen=True)
class RawObject:
    """A raw object as returned by GetObject, not yet checked."""

    path: str
    body: bytes
    metadata: dict[str, str]
    etag: str


@dataclass(frozen=True)
class RawRows:
    """A checked raw object: its rows, its metadata, and its version."""

    path: str
    table: pa.Table
    # The totals of the rows, as stated by B3.
    total_part: Decimal
    total_quantity: int
    landing_key: str
    content: str
    etag: str


def fetch_raw(s3: Any, source: Folder, filename: str, day: date) -> RawObject:
    key = f"{source.prefix}date={day}/{filename}"
    path = f"s3://{source.bucket}/{key}"
    try:
        answer = s3.get_object(Bucket=source.bucket, Key=key)
    except s3.exceptions.NoSuchKey as error:
        raise RefineError(f"{path} does not exist: fetch that date, then refine again") from error
    etag = answer["ETag"].strip('"')
    return RawObject(path, answer["Body"].read(), answer["Metadata"], etag)


def read_raw(found: RawObject, day: date) -> RawRows:
    """Parse and check a raw object."""
    path, metadata = found.path, found.metadata
    try:
        file = pq.ParquetFile(pa.BufferReader(found.body))
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise RefineError(f"{path} cannot be read as Parquet: {one_line(error)}") from error
    check_columns(path, table)
    check_rows(path, table, day)
    footer = file.metadata.metadata or {}
    try:
        return RawRows(
            path,
            table,
            total_part=Decimal(footer[b"total-part"].decode()),
            total_quantity=int(footer[b"total-theorical-qty"]),
            landing_key=metadata["landing-key"],
            content=metadata["content-hash"],
            etag=found.etag,
        )
    except (KeyError, ValueError, InvalidOperation) as error:
        what = "does not say which landing object it was made from and what its rows add up to"
        raise unusable(path, what) from error


def check_columns(path: str, table: pa.Table) -> None:
    found = {field.name: field.type for field in table.schema}
    for name, wanted in RAW_COLUMNS.items():
        if name not in found:
            raise unusable(path, f"has no column {name} ({wanted})")
        if found[name] != wanted:
            raise unusable(path, f"has column {name} as {found[name]}, expected {wanted}")


def check_rows(path: str, table: pa.Table, day: date) -> None:
    """Fail on an empty object, a row of another date, or a required value that is null."""
    if not table.num_rows:
        raise broken(Rule.ROWS, path, "holds no rows")
    foreign = table.filter(pc.fill_null(pc.not_equal(table["DataCarteira"], day), True))
    if foreign.num_rows:
        what = f"rows whose DataCarteira is not {day} (for example {foreign['DataCarteira'][0]})"
        raise unusable(path, f"holds {foreign.num_rows} of {table.num_rows} {what}")
    for name in REQUIRED_COLUMNS:
        if missing := table[name].null_count:
            raise unusable(path, f"holds {missing} of {table.num_rows} rows without {name}")


def unusable(path: str, what: str) -> RefineError:
    return RefineError(f"{path} {what}: write the raw object again")


def broken(rule: Rule, path: str, what: str) -> RefineError:
    return unusable(path, f"breaks the rule {rule}: it {what}")


def frame(spark: SparkSession, raws: Iterable[RawRows]) -> DataFrame:
    """The rows as a DataFrame, passed as JSON: Python objects would need Python workers."""
    names = [column.split()[0] for column in RAW_ROW.split(", ")]
    rows = [row for raw in raws for row in raw.table.select(names).to_pylist()]
    text = json.dumps(rows, default=str, ensure_ascii=False)
    array = F.from_json(F.lit(text), f"array<struct<{RAW_ROW}>>", {"mode": "FAILFAST"})
    return spark.range(1).select(F.inline(array))


# ---------------------------------------------------------------- quality


def check_quality(raw: RawRows, rows: list[Row]) -> None:
    """Fail unless the refined rows of a date are its whole portfolio, wherever the error was.

    The rules are those of quality.dqdl, which Glue evaluates over the whole table. Here each is
    asked of one date, so that a bad one is told by its name and nothing of it is replaced.
    """
    if not rows:
        raise broken(Rule.ROWS, raw.path, "came to no rows")
    seen: set[str | None] = {None, ""}
    for sector in (row["Setor"] for row in rows):
        if sector in seen:
            what = f"came to a second row of {sector!r}" if sector else "came to an unnamed sector"
            raise broken(Rule.KEY, raw.path, what)
        seen.add(sector)
    if any(value is None for row in rows for value in row):
        raise broken(Rule.SUMS, raw.path, "holds a sector whose sum does not fit into its column")
    part = sum(row["soma_part"] for row in rows)
    if abs(part - WEIGHTS) > WEIGHTS_OFF:
        what = f"holds a part of {part} in all, which is not {WEIGHTS} within {WEIGHTS_OFF}"
        raise broken(Rule.WEIGHTS, raw.path, what)
    check_totals(raw, rows, part)


def check_totals(raw: RawRows, rows: list[Row], part: Decimal) -> None:
    """The sums are what B3 said in all, which the footer of the raw object has."""
    if (count := sum(row["total_codigo"] for row in rows)) != raw.table.num_rows:
        what = f"holds {raw.table.num_rows} rows, and {count} were counted"
        raise broken(Rule.TOTALS, raw.path, what)
    if (quantity := sum(row["soma_qtd_teorica"] for row in rows)) != raw.total_quantity:
        what = f"holds a theoricalQty of {quantity} in all, and says {raw.total_quantity}"
        raise broken(Rule.TOTALS, raw.path, what)
    if abs(part - raw.total_part) > ROUNDING * raw.table.num_rows:
        what = f"holds a part of {part} in all, and says {raw.total_part}"
        raise broken(Rule.TOTALS, raw.path, what)


def sessions(s3: Any, source: Folder, filename: str) -> set[date]:
    """The dates that have a raw object, good or bad."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=source.bucket, Prefix=source.prefix)
    found = set()
    for key in (item["Key"] for page in pages for item in page.get("Contents", [])):
        folder, _, name = key.removeprefix(source.prefix).partition("/")
        if name == filename and folder.startswith("date="):
            # What is named otherwise, nobody here has written.
            with suppress(argparse.ArgumentTypeError):
                found.add(parse_date(folder.removeprefix("date=")))
    return found


def session_warnings(
    days: list[date], good: dict[date, int], fetch: Callable[[date], RawObject]
) -> dict[date, list[str]]:
    """What is odd about dates beside their neighbours, and yet no reason to fail them.

    `good` are the dates of this run that are about to be replaced, each with how many constituents
    it has, `days` all sessions in order. These arrive in any order: so a date is compared with the
    newest session before it that there is, and the oldest one after it with the date. Of two
    neighbours it is always the later to arrive that tells.
    """
    counts = dict(good)

    def constituents(day: date) -> int:
        if day not in counts:
            try:
                file = pq.ParquetFile(pa.BufferReader(fetch(day).body))
                counts[day] = file.metadata.num_rows
            except (RefineError, pa.ArrowException, OSError):
                # It fails by itself, and is compared once it is good.
                counts[day] = 0
        return counts[day]

    def nearest(days: Iterable[date]) -> date | None:
        return next((day for day in days if constituents(day)), None)

    def drop(before: date | None, day: date | None) -> list[str]:
        if before is None or day is None:
            return []
        were, are = counts[before], counts[day]
        if were - are <= LARGEST_DROP * were:
            return []
        fewer = f"{100 * (were - are) / were:.1f} % fewer than the {were} of {before}"
        return [f"{Rule.CONSTITUENTS}: {day} has {are}, {fewer}"]

    found = {}
    for place, day in enumerate(days):
        if day in good:
            found[day] = drop(nearest(reversed(days[:place])), day)
            after = nearest(days[place + 1 :])
            # A neighbour of this run looks back by itself.
            found[day] += [] if after in good else drop(day, after)
    return found


# ---------------------------------------------------------------- the lake's files

# The characters that Hive and Spark escape in partition names; the rest of Unicode stays as is.
ESCAPED = re.compile(r"""[\x01-\x1f"#%'*/:=?\\\x7f{\[\]^]""")


def partition(day: date, sector: str) -> str:
    """`Petr/Gás` → `Data=2026-11-20/Setor=Petr%2FGás/`."""
    escaped = ESCAPED.sub(lambda found: f"%{ord(found[0]):02X}", sector)
    return f"Data={day}/Setor={escaped}/"


def parquet(row: Row) -> bytes:
    """The file of one partition. Decimals are INT64, as Spark writes those of up to 18 digits."""
    columns = [pa.array([row[field.name]], field.type) for field in REFINED_COLUMNS]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(columns, schema=REFINED_COLUMNS),
        sink,
        compression="snappy",
        use_dictionary=False,
        store_decimal_as_integer=True,
        store_schema=False,
    )
    return sink.getvalue().to_pybytes()


class Lake:
    """The objects of the lake, written by a pool of threads."""

    def __init__(self, s3: Any, target: Folder, pool: ThreadPoolExecutor) -> None:
        self._s3, self.target, self._pool = s3, target, pool

    def put(self, bodies: dict[str, bytes]) -> None:
        list(self._pool.map(self._put, bodies, bodies.values()))

    def _put(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self.target.bucket, Key=key, Body=body)

    def create(self, key: str, body: bytes) -> None:
        """Put an object that is not there yet: one that is, stays as it is."""
        try:
            self._s3.put_object(Bucket=self.target.bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            there = ("PreconditionFailed", "ConditionalRequestConflict")
            if error.response["Error"]["Code"] not in there:
                raise

    def keys(self, prefix: str) -> set[str]:
        lister = self._s3.get_paginator("list_objects_v2")
        pages = lister.paginate(Bucket=self.target.bucket, Prefix=prefix)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def delete(self, keys: set[str]) -> None:
        bucket = self.target.bucket
        for batch in batches(sorted(keys), OBJECTS_BATCH):
            objects = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
            if errors := self._s3.delete_objects(Bucket=bucket, Delete=objects).get("Errors"):
                first = errors[0]
                cause = f"{first['Code']} {first.get('Message', '')}".rstrip()
                refused = f"S3 refused to delete {len(errors)} object(s) of s3://{bucket}"
                raise RefineError(f"{refused}, first {first['Key']}: {cause}")


# ---------------------------------------------------------------- the catalog's partitions


# (date, sector) → storage descriptor.
Partitions = dict[tuple[str, str], dict]


class Catalog:
    """The partitions of a Glue table. The stack creates the table itself."""

    def __init__(self, glue: Any, database: str, table: str) -> None:
        self._glue = glue
        self._name = {"DatabaseName": database, "TableName": table}
        try:
            found = glue.get_table(DatabaseName=database, Name=table)["Table"]
        except glue.exceptions.EntityNotFoundException as error:
            advice = "deploy the stack, which creates it"
            raise RefineError(
                f"table {database}.{table} is not in the catalog: {advice}"
            ) from error
        keys = [key["Name"].lower() for key in found.get("PartitionKeys", [])]
        if keys != ["data", "setor"]:
            raise RefineError(
                f"table {database}.{table} is partitioned by {keys}, expected data, setor"
            )
        self._storage = found["StorageDescriptor"]

    def partitions(self, dates: list[date]) -> dict[str, Partitions]:
        """The partitions in the catalog of each of these dates."""
        found: dict[str, Partitions] = {str(day): {} for day in dates}
        pages = self._glue.get_paginator("get_partitions").paginate(
            **self._name,
            Expression=f"data >= '{min(dates)}' AND data <= '{max(dates)}'",
            ExcludeColumnSchema=True,
        )
        for item in (item for page in pages for item in page["Partitions"]):
            if (of_date := found.get(item["Values"][0])) is not None:
                of_date[tuple(item["Values"])] = item.get("StorageDescriptor", {})
        return found

    def register(self, locations: dict[tuple[str, str], str], existing: Partitions) -> None:
        """Create missing partitions, and repair those with another location, format or serde."""
        missing, wrong = [], []
        for values, location in locations.items():
            storage = {**self._storage, "Location": location}
            entry = {"Values": list(values), "StorageDescriptor": storage}
            if values not in existing:
                missing.append(entry)
            elif differs(existing[values], storage):
                wrong.append({"PartitionValueList": list(values), "PartitionInput": entry})
        for batch in batches(missing, CREATE_BATCH):
            self._checked("create", self._glue.batch_create_partition, PartitionInputList=batch)
        for batch in batches(wrong, UPDATE_BATCH):
            self._checked("update", self._glue.batch_update_partition, Entries=batch)

    def drop(self, gone: list[tuple[str, str]]) -> None:
        for batch in batches(gone, DELETE_BATCH):
            values = [{"Values": list(partition)} for partition in batch]
            self._checked("drop", self._glue.batch_delete_partition, PartitionsToDelete=values)

    def _checked(self, verb: str, call: Callable[..., dict], **arguments: Any) -> None:
        """Make a batch call and raise errors of single partitions, which come with status 200."""
        # Already done: an earlier attempt of the same call succeeded, but its answer was lost.
        harmless = {"create": "AlreadyExistsException", "drop": "EntityNotFoundException"}.get(verb)
        errors = [
            error
            for error in call(**self._name, **arguments).get("Errors", [])
            if error.get("ErrorDetail", {}).get("ErrorCode") != harmless
        ]
        if not errors:
            return
        first = errors[0]
        values = first.get("PartitionValues") or first.get("PartitionValueList") or []
        detail = first.get("ErrorDetail", {})
        refused = f"{verb} {len(errors)} partition(s) of {'.'.join(self._name.values())}"
        cause = f"{detail.get('ErrorCode')} {detail.get('ErrorMessage', '')}".rstrip()
        raise RefineError(f"catalog refused to {refused}, first {'/'.join(values)}: {cause}")


def differs(found: dict, wanted: dict) -> bool:
    keys = ("Location", "InputFormat", "OutputFormat", "SerdeInfo")
    return any(found.get(key) != wanted.get(key) for key in keys)


def batches(items: list, size: int) -> list[list]:
    return [items[start : start + size] for start in range(0, len(items), size)]


# ---------------------------------------------------------------- replacing a date


def replace_date(
    raw: RawRows,
    rows: list[Row],
    existing: Partitions,
    lake: Lake,
    catalog: Catalog,
    made: dict[str, Any],
) -> dict[str, int]:
    """Make the table hold exactly `rows` for their date.

    1. Delete the `done` of the date: its rows are about to change.
    2. Write each row as the only object of its sector, with one PutObject: a reader sees the old or
       the new row, never both and never none.
    3. Register new partitions, whose files exist by now.
    4. Drop vanished partitions from the catalog, and only then delete their files, along with any
       files of other writers under the date.
    5. Write `done`, whose key ends with the ETag of the raw object that was read.

    The wanted state is computed from the rows, and the present state is listed, so running again
    repairs a run that died at any step.
    """
    day, target = rows[0]["Data"], lake.target
    done = f"{DONE}date={day}/"
    lake.delete(lake.keys(done))

    folders = {(str(day), row["Setor"]): partition(day, row["Setor"]) for row in rows}
    names = [target.prefix + folder + DATA_FILE for folder in folders.values()]
    files = dict(zip(names, map(parquet, rows), strict=True))
    lake.put(files)

    catalog.register({values: f"{target}{name}" for values, name in folders.items()}, existing)
    gone = sorted(existing.keys() - folders.keys())
    catalog.drop(gone)
    lake.delete(lake.keys(f"{target.prefix}Data={day}/") - files.keys())

    source = {"landing_key": raw.landing_key, "content": raw.content}
    lake.put({done + raw.etag: json.dumps(source | made).encode()})
    return {"partitions_written": len(folders), "partitions_dropped": len(gone)}


# ---------------------------------------------------------------- the job


def today_in_sao_paulo(spark: SparkSession, now_seconds: float) -> date:
    """The exchange's date. Java brings its own time zones; a slim Python image may have none."""
    time_package = spark._jvm.java.time
    zone = time_package.ZoneId.of("America/Sao_Paulo")
    instant = time_package.Instant.ofEpochMilli(int(now_seconds * 1000))
    return date.fromisoformat(instant.atZone(zone).toLocalDate().toString())


def for_each_date(
    pool: ThreadPoolExecutor, days: Iterable[date], work: Callable[[date], Any]
) -> tuple[dict[date, Any], dict[date, str]]:
    """Run `work` for each date by itself: the results, and the causes of the failed dates."""
    futures = {day: pool.submit(work, day) for day in days}
    results, failed = {}, {}
    for day, future in futures.items():
        try:
            results[day] = future.result()
        except (RefineError, BotoCoreError, ClientError) as error:
            failed[day] = one_line(error)
    return results, failed


def run(
    spark: SparkSession, s3: Any, glue: Any, arguments: argparse.Namespace
) -> tuple[dict, dict[date, str], dict[date, str]]:
    """Returns the report, the causes of the failed dates, and for failed dates that could not be
    marked, why not.

    Raises only if no date can be refined: without the table or Spark.
    """
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made = {"run_id": arguments.JOB_RUN_ID, "started_at": started_at}
    catalog = Catalog(glue, arguments.database, arguments.table)
    as_of = arguments.as_of or today_in_sao_paulo(spark, time.time())

    with ThreadPoolExecutor(S3_THREADS) as calls, ThreadPoolExecutor(DATES_AT_ONCE) as dates:
        lake = Lake(s3, arguments.target, calls)

        def check(day: date) -> int:
            check_quality(raws[day], rows.get(day, []))
            return raws[day].table.num_rows

        def replace(day: date) -> dict[str, int]:
            said = {"warnings": warnings[day]} if warnings[day] else {}
            there = existing[str(day)]
            return replace_date(raws[day], rows[day], there, lake, catalog, made | said)

        def mark(day: date) -> None:
            """Only if absent: a late duplicate must not revive a mark that was emptied since."""
            key = f"{FAILED}date={day}/{found[day].etag}/{arguments.JOB_RUN_ID}"
            lake.create(key, json.dumps({"cause": failed[day][:CAUSE_LENGTH]}).encode())

        fetch = partial(fetch_raw, s3, arguments.source, arguments.filename)
        found, missing = for_each_date(calls, arguments.dates, fetch)
        raws, unread = for_each_date(calls, found, lambda day: read_raw(found[day], day))
        rows = rows_by_date(refine(frame(spark, raws.values()), as_of)) if raws else {}
        good, bad = for_each_date(calls, raws, check)
        warnings = warn(s3, arguments, fetch, good, missing | unread | bad)
        existing = catalog.partitions(list(good)) if good else {}
        counts, unwritten = for_each_date(dates, good, replace)

        failed = dict(sorted((missing | unread | bad | unwritten).items()))
        # Without an ETag or a run's id nothing is marked: whoever reads the run's end does it then.
        known = sorted(unread | bad | unwritten) if arguments.JOB_RUN_ID else []
        _, unmarked = for_each_date(calls, known, mark)

    written, dropped = ("partitions_written", "partitions_dropped")
    report = {
        "dates": [str(day) for day in counts],
        "as_of": str(as_of),
        written: sum(count[written] for count in counts.values()),
        dropped: sum(count[dropped] for count in counts.values()),
        "warnings": [text for day in counts for text in warnings[day]],
    }
    return report, failed, unmarked


def warn(
    s3: Any,
    arguments: argparse.Namespace,
    fetch: Callable[[date], RawObject],
    good: dict[date, int],
    failed: Iterable[date],
) -> dict[date, list[str]]:
    """The warnings of each date; that nobody could look for any is one, too."""
    try:
        days = sessions(s3, arguments.source, arguments.filename) | good.keys()
        return session_warnings(sorted(days.difference(failed)), good, fetch)
    except (BotoCoreError, ClientError) as error:
        untold = f"{Rule.CONSTITUENTS}: not compared with other sessions: {one_line(error)}"
        return {day: [untold] for day in good}


def rows_by_date(refined: DataFrame) -> dict[date, list[Row]]:
    rows: dict[date, list[Row]] = {}
    for row in refined.collect():
        rows.setdefault(row["Data"], []).append(row)
    return rows


def summary(failed: dict[date, str], count: int) -> str:
    """The failed dates with their causes in one line, as many as fit into MESSAGE_LENGTH."""
    text = f"{len(failed)} of {count} dates failed"
    for number, (day, cause) in enumerate(failed.items()):
        more = f"; and {len(failed) - number} more, see what the run printed"
        item = f"{'; ' if number else ': '}{day}: {cause[:CAUSE_LENGTH]}"
        if len(text + item + more) > MESSAGE_LENGTH:
            return text + more
        text += item
    return text


def one_line(error: BaseException) -> str:
    """The cause of a failure in one line, without the stack trace of Java errors."""
    cause = getattr(error, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    text = str(cause.toString() if cause is not None else error)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


def main(argv: list[str]) -> None:
    arguments = parse_arguments(argv)
    spark = SparkSession.builder.appName(arguments.JOB_NAME).getOrCreate()
    retries = {"mode": "standard", "max_attempts": 8}
    config = Config(retries=retries, max_pool_connections=S3_THREADS)
    s3, glue = boto3.client("s3", config=config), boto3.client("glue", config=config)
    try:
        report, failed, unmarked = run(spark, s3, glue, arguments)
    except (BotoCoreError, ClientError, Py4JJavaError, PySparkException) as error:
        dates = f"{arguments.dates[0]} to {arguments.dates[-1]}"
        raise RefineError(f"refining {dates}: {one_line(error)}") from error
    lines = [f"{day} failed: {cause}" for day, cause in failed.items()]
    lines += [f"{day} could not be marked as failed: {cause}" for day, cause in unmarked.items()]
    lines.append(json.dumps(report, ensure_ascii=False))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    if failed:
        raise RefineError(summary(failed, len(arguments.dates)))


if __name__ == "__main__":
    main(sys.argv[1:])
