"""Refine raw portfolios: one row, and one partition in the catalog, for each date and sector.

The same file runs on AWS Glue 5.1 (Spark 3.5.6, Python 3.11) and on a local Spark, and cannot tell
which. It uses nothing of awsglue: GlueContext serves DynamicFrames, Job serves bookmarks, and there
are neither. `refine()` is the whole transformation. The rest puts its rows where Athena finds them,
in an order that readers can live with and that the next run repairs if this one dies (see
`replace_dates`).
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

NO_SECTOR = "Sem setor"
MAX_DATES = 366
# One object per date and sector, always under the same name: writing it again replaces it in a
# single PutObject.
DATA_FILE = "part-00000.snappy.parquet"
# Readers of the table skip it twice: no partition points there, and Hive ignores names that begin
# with `_`.
STAGING = "_staging"
# What one Glue call may carry.
CREATE_BATCH, UPDATE_BATCH, DELETE_BATCH = 100, 100, 25
# Calls to S3 wait far more than they compute.
S3_THREADS = 16

RAW_COLUMNS = {
    "segment": "string",
    "cod": "string",
    "asset": "string",
    "type": "string",
    "part": "decimal(6,3)",
    "partAcum": "decimal(6,3)",
    "theoricalQty": "bigint",
    "DataCarteira": "date",
}
# Without a value in one of these a row would silently drop out of a sum or a count.
REQUIRED_COLUMNS = ("cod", "part", "theoricalQty")
# `date` is not in the files: Spark reads it from the folder's name.
RAW_SCHEMA = ", ".join(f"{name} {kind}" for name, kind in RAW_COLUMNS.items()) + ", date date"


class RefineError(Exception):
    """A failure told in one line, which Glue shows as ErrorMessage: what, on which object, what to
    do."""


# ---------------------------------------------------------------- the transformation


def refine(raw: DataFrame, as_of: date) -> DataFrame:
    """Sum each sector and date; `as_of` is the day that `dias_desde_carteira` counts to.

    Exact types only: DECIMAL(6,3) sums to DECIMAL(16,3) and BIGINT to BIGINT. An empty segment
    counts as none, since Hive has no folder name for an empty partition value.
    """
    named = F.when(F.col("segment") != "", F.col("segment"))
    sector = F.coalesce(named, F.lit(NO_SECTOR))
    by_sector = raw.groupBy(sector.alias("Setor"), F.col("DataCarteira").alias("Data")).agg(
        F.sum("part").cast("decimal(16,3)").alias("soma_part"),
        F.count("cod").alias("total_codigo"),
        F.sum("theoricalQty").alias("soma_qtd_teorica"),
    )
    days = F.datediff(F.lit(as_of), F.col("Data")).alias("dias_desde_carteira")
    return by_sector.select("Setor", "Data", "soma_part", "total_codigo", "soma_qtd_teorica", days)


# ---------------------------------------------------------------- arguments


class Arguments(argparse.ArgumentParser):
    """Fails with a RefineError: of argparse's own end Glue would show `SystemExit: 2`, no more."""

    def error(self, message: str) -> None:
        raise RefineError(f"job arguments: {message}")


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Read the arguments that are ours: Glue adds its own. The last of two equal ones wins."""
    parser = Arguments(prog="refine.py", allow_abbrev=False, add_help=False)
    parser.add_argument("--dates", type=parse_dates, required=True)
    parser.add_argument("--claim_id", default="")
    parser.add_argument("--source", type=parse_folder, required=True)
    parser.add_argument("--target", type=parse_folder, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--filename", type=parse_filename, required=True)
    parser.add_argument("--JOB_NAME", default="refine")
    parser.add_argument("--as_of", type=parse_date, default=None)
    return parser.parse_known_args(argv)[0]


def parse_date(text: str) -> date:
    """`2026-11-20` and nothing looser: the text becomes part of object names."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-11-20")


def parse_dates(text: str) -> list[date]:
    """Comma-separated dates, in order and each once."""
    dates = sorted({parse_date(part.strip()) for part in text.split(",") if part.strip()})
    if not dates:
        raise argparse.ArgumentTypeError("name at least one date, like 2026-11-20,2026-11-21")
    if len(dates) > MAX_DATES:
        raise argparse.ArgumentTypeError(
            f"{len(dates)} dates, and one run takes {MAX_DATES} at most: split them"
        )
    return dates


def parse_folder(text: str) -> str:
    if not re.match(r"[a-z][a-z0-9+.-]*://?[^/]*/", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder like s3://bucket/raw/")
    return text.rstrip("/") + "/"


def parse_filename(text: str) -> str:
    # As the template and the functions have it. Spark skips files whose names begin with _ or . and
    # takes * ? [ { in a path for a pattern.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,91}\.parquet", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a plain file name such as ibov_setor.parquet"
        )
    return text


# ---------------------------------------------------------------- reading raw


def read_raw(spark: SparkSession, source: str, filename: str, dates: list[date]) -> DataFrame:
    """The raw rows of the dates, each object read by its name and checked before it is used."""
    objects = {day: f"{source}date={day}/{filename}" for day in dates}
    with ThreadPoolExecutor(S3_THREADS) as pool:
        list(pool.map(lambda path: check_columns(spark, path), objects.values()))
    reader = spark.read.option("basePath", source).schema(RAW_SCHEMA)
    raw = reader.parquet(*objects.values())
    check_rows(raw, objects)
    return raw


def check_columns(spark: SparkSession, path: str) -> None:
    """Fail on a missing object, column or a wrong type.

    Reading with an explicit schema would not tell: Spark fills a missing column with nulls.
    """
    try:
        fields = spark.read.parquet(path).schema
    except (AnalysisException, Py4JJavaError) as error:
        if isinstance(error, AnalysisException) and error.getErrorClass() == "PATH_NOT_FOUND":
            advice = "fetch that date, then refine again"
            raise RefineError(f"{path} does not exist: {advice}") from error
        raise RefineError(f"{path} cannot be read as Parquet: {one_line(error)}") from error
    found = {field.name: field.dataType.simpleString() for field in fields}
    for name, wanted in RAW_COLUMNS.items():
        if name not in found:
            raise unusable(path, f"has no column {name} ({wanted})")
        if found[name] != wanted:
            raise unusable(path, f"has column {name} as {found[name]}, expected {wanted}")


def check_rows(raw: DataFrame, objects: dict[date, str]) -> None:
    """Fail on an empty object, a row of another date, or a required value that is null."""
    foreign = ~F.col("DataCarteira").eqNullSafe(F.col("date"))
    counts = raw.groupBy("date").agg(
        F.count("*").alias("rows"),
        F.count(F.when(foreign, 1)).alias("foreign"),
        F.min(F.when(foreign, F.col("DataCarteira"))).alias("foreign_date"),
        *[F.count(F.when(F.col(name).isNull(), 1)).alias(name) for name in REQUIRED_COLUMNS],
    )
    found = {row["date"]: row for row in counts.collect()}
    for day, path in objects.items():
        row = found.get(day)
        if row is None:
            raise unusable(path, "holds no rows")
        if row["foreign"]:
            what = f"rows whose DataCarteira is not {day} (for example {row['foreign_date']})"
            raise unusable(path, f"holds {row['foreign']} of {row['rows']} {what}")
        for name in REQUIRED_COLUMNS:
            if row[name]:
                raise unusable(path, f"holds {row[name]} of {row['rows']} rows without {name}")


def unusable(path: str, what: str) -> RefineError:
    return RefineError(f"{path} {what}: write the raw object again")


# ---------------------------------------------------------------- the lake's files


class Folder:
    """A folder of the lake: on S3, or on what `s3://` stands for in this Spark."""

    def __init__(self, spark: SparkSession, location: str) -> None:
        self.location = location
        self._hadoop = spark._jvm.org.apache.hadoop
        self._conf = spark._jsc.hadoopConfiguration()
        self._fs = self._path("").getFileSystem(self._conf)

    def _path(self, key: str) -> Any:
        return self._hadoop.fs.Path(self.location + key)

    def keys(self, prefix: str) -> list[str]:
        """The files under `prefix` at any depth, relative to the folder; none if it is absent."""
        root, keys = self._path(prefix), []
        # The listing spells scheme and host its own way; what follows the prefix is the same.
        depth = root.depth()
        try:
            files = self._fs.listFiles(root, True)
            while files.hasNext():
                names = files.next().getPath().toUri().getPath().strip("/").split("/")
                keys.append("/".join([prefix.rstrip("/"), *names[depth:]]))
        except Py4JJavaError as error:
            if error.java_exception.getClass().getSimpleName() != "FileNotFoundException":
                raise
        return keys

    def replace(self, key: str, source_key: str) -> None:
        # Neither rename nor a delete before: on S3 the closing of an overwritten file is one
        # PutObject.
        copy = self._hadoop.fs.FileUtil.copy
        copy(self._fs, self._path(source_key), self._fs, self._path(key), False, True, self._conf)

    def delete(self, key: str) -> None:
        """Delete a file, or a folder with all that is in it."""
        self._fs.delete(self._path(key), True)


def write_staged(refined: DataFrame, target: str, date_count: int) -> None:
    """Write all dates in one Spark job, escaped by Spark as every Hive reader expects."""
    columns = ["soma_part", "total_codigo", "soma_qtd_teorica", "dias_desde_carteira"]
    writer = (
        refined.select(*columns, "Data", "Setor")
        # Unless told how many, the adaptive planner squeezes all the small files into one task.
        .repartition(min(date_count, S3_THREADS), "Data", "Setor")
        .write.mode("overwrite")
        .option("compression", "snappy")
        # Nobody reads staging before the job is over, so a task may commit for itself.
        .option("mapreduce.fileoutputcommitter.algorithm.version", "2")
        .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    )
    writer.partitionBy("Data", "Setor").parquet(target + STAGING)


def partition_values(partition: str) -> tuple[str, str]:
    """`Data=2026-11-20/Setor=Petr%2FGás` → `("2026-11-20", "Petr/Gás")`: Hive escapes ASCII."""
    day, sector = (name.partition("=")[2] for name in partition.split("/"))
    return day, re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), sector)


# ---------------------------------------------------------------- the catalog's partitions


class Catalog:
    """The partitions of one Glue table, which itself comes with the stack."""

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

    def partitions(self, dates: list[date]) -> dict[tuple[str, str], dict]:
        """What the catalog holds of these dates: values → storage descriptor."""
        wanted = {str(day) for day in dates}
        pages = self._glue.get_paginator("get_partitions").paginate(
            **self._name,
            Expression=f"data >= '{min(dates)}' AND data <= '{max(dates)}'",
            ExcludeColumnSchema=True,
        )
        found = (partition for page in pages for partition in page["Partitions"])
        return {
            tuple(partition["Values"]): partition.get("StorageDescriptor", {})
            for partition in found
            if partition["Values"][0] in wanted
        }

    def register(
        self, locations: dict[tuple[str, str], str], existing: dict[tuple[str, str], dict]
    ) -> None:
        """Create what is missing, and repair what points elsewhere or is read by another serde."""
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
        """Make a batch call and surface errors of single partitions, answered with status 200."""
        # Already as wished: an earlier attempt of the same call worked and its answer was lost.
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


# ---------------------------------------------------------------- replacing dates


def replace_dates(
    refined: DataFrame, target: Folder, catalog: Catalog, dates: list[date]
) -> dict[str, int]:
    """Make the table hold exactly `refined` for these dates.

    1. Spark writes everything to a staging folder, in one job.
    2. Each staged file is copied over the one object of its date and sector. On S3 that is one
       PutObject, so a reader sees the old or the new row, never both and never none. (Spark's own
       overwrite deletes before it renames, and leaves a vanished sector behind when it overwrites
       partitions one by one.)
    3. New partitions are registered: their files are there already.
    4. Vanished partitions leave the catalog, and only then their files are deleted.
    5. Files of another name in a sector that stays (another writer's) go, then the staging folder.

    What should be there is computed from the rows, what is there is listed: a run that died
    anywhere is healed by running it again.
    """
    write_staged(refined, target.location, len(dates))
    staged = {key.partition("/")[2].rpartition("/")[0]: key for key in target.keys(STAGING)}
    with ThreadPoolExecutor(S3_THREADS) as pool:
        objects = [f"{name}/{DATA_FILE}" for name in staged]
        list(pool.map(target.replace, objects, staged.values()))

        locations = {partition_values(name): f"{target.location}{name}/" for name in staged}
        existing = catalog.partitions(dates)
        catalog.register(locations, existing)
        gone = sorted(existing.keys() - locations.keys())
        catalog.drop(gone)

        listed = pool.map(target.keys, [f"Data={day}" for day in dates])
        stale = {stale_key(key, staged) for keys in listed for key in keys} - {None}
        list(pool.map(target.delete, stale))
    target.delete(STAGING)
    return {"partitions_written": len(locations), "partitions_dropped": len(gone)}


def stale_key(key: str, partitions: dict[str, str]) -> str | None:
    """What to delete so that the file `key` is gone, or None if it belongs where it is.

    A vanished sector's folder goes whole: S3A leaves a marker where it deletes the last file.
    """
    folder, _, name = key.rpartition("/")
    if folder in partitions:
        return None if name == DATA_FILE else key
    return folder if "/" in folder else key


# ---------------------------------------------------------------- the job


def today_in_sao_paulo(spark: SparkSession, now_seconds: float) -> date:
    """The exchange's own date. Java carries the time zones; a slim Python image may not."""
    time_package = spark._jvm.java.time
    zone = time_package.ZoneId.of("America/Sao_Paulo")
    instant = time_package.Instant.ofEpochMilli(int(now_seconds * 1000))
    return date.fromisoformat(instant.atZone(zone).toLocalDate().toString())


def run(spark: SparkSession, glue: Any, arguments: argparse.Namespace) -> dict:
    """One run, from the arguments to what the run has to say for itself."""
    # A sum that overflows must fail; without this Spark wraps it round.
    spark.conf.set("spark.sql.ansi.enabled", "true")
    catalog = Catalog(glue, arguments.database, arguments.table)
    as_of = arguments.as_of or today_in_sao_paulo(spark, time.time())
    raw = read_raw(spark, arguments.source, arguments.filename, arguments.dates)
    target = Folder(spark, arguments.target)
    counts = replace_dates(refine(raw, as_of), target, catalog, arguments.dates)
    return {
        "dates": [str(day) for day in arguments.dates],
        "as_of": str(as_of),
        **counts,
        "claim_id": arguments.claim_id,
    }


def one_line(error: BaseException) -> str:
    """The cause of a failure in one line: Java's own errors come with a page of stack."""
    cause = getattr(error, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    text = str(cause.toString() if cause is not None else error)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


def main(argv: list[str]) -> None:
    arguments = parse_arguments(argv)
    spark = SparkSession.builder.appName(arguments.JOB_NAME).getOrCreate()
    glue = boto3.client("glue", config=Config(retries={"mode": "standard", "max_attempts": 8}))
    try:
        report = run(spark, glue, arguments)
    except (BotoCoreError, ClientError, Py4JJavaError, PySparkException) as error:
        dates = f"{arguments.dates[0]} to {arguments.dates[-1]}"
        raise RefineError(f"refining {dates}: {one_line(error)}") from error
    sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
