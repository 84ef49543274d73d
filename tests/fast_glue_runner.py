"""Do the work of `infra/glue/refine.py` without Spark, for tests that need many runs.

    fast_glue_runner.py <script.py> --key value …

It takes the arguments and the credentials of `infra/local/glue_runner.py`, leaves the same rows,
objects, partitions and marks, and takes a moment instead of ten seconds. A date fails by itself if
its raw object is missing, is not Parquet, or does not name its landing object.

A test scripts the runs of a job through the folder `<state dir>/glue-control/<job name>/`:

| file | effect |
|---|---|
| `use-spark` | while it exists, `infra/local/glue_runner.py` carries out the runs |
| `hold` | a run waits at its start until the file is gone |
| `fail-…` | the next run removes one such file and fails at once; its text is the cause |

A run that begins its work appends a line with its id to the file `begun`.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import duckdb
from botocore.exceptions import BotoCoreError, ClientError

SPARK_RUNNER = Path(__file__).parents[1] / "infra" / "local" / "glue_runner.py"
DATA_FILE = "part-00000.snappy.parquet"
DONE, FAILED = "control/refine/done/", "control/refine/failed/"
CAUSE_LENGTH = 400
# São Paulo has had no summer time since 2019.
SAO_PAULO = timezone(timedelta(hours=-3))
THREADS = 8
CREATE_BATCH, DELETE_BATCH, DELETE_OBJECTS = 100, 25, 1000
POLL_SECONDS = 0.02

REFINE = """
CREATE TABLE refined AS SELECT
    row_number() OVER () AS number,
    CAST(DataCarteira AS VARCHAR) AS data,
    coalesce(nullif(segment, ''), 'Sem setor') AS setor,
    CAST(sum(part) AS DECIMAL(16, 3)) AS soma_part,
    count(cod) AS total_codigo,
    CAST(sum(theoricalQty) AS BIGINT) AS soma_qtd_teorica,
    CAST(date_diff('day', DataCarteira, CAST($as_of AS DATE)) AS INTEGER) AS dias_desde_carteira
FROM read_parquet($files) GROUP BY ALL
"""
ROW = "SELECT soma_part, total_codigo, soma_qtd_teorica, dias_desde_carteira FROM refined"


class RunError(Exception):
    """A failure in one line, which is the run's ErrorMessage."""


# ---------------------------------------------------------------- the script of a test


class Script:
    """A test's script for the runs of one job."""

    def __init__(self, job: str) -> None:
        # The emulator gives its processes the state folder's `tmp` as TMPDIR, and little else.
        self._folder = Path(os.environ["TMPDIR"]).parent / "glue-control" / job

    @property
    def wants_spark(self) -> bool:
        return (self._folder / "use-spark").exists()

    def follow(self, run_id: str) -> None:
        while (self._folder / "hold").exists():
            time.sleep(POLL_SECONDS)
        for scripted in sorted(self._folder.glob("fail-*")):
            try:
                cause = scripted.read_text().strip()
                scripted.unlink()
            except FileNotFoundError:
                # The test has removed it meanwhile.
                continue
            raise RunError(cause or "a scripted failure")
        if self._folder.exists():
            with (self._folder / "begun").open("a") as begun:
                begun.write(f"{run_id}\n")


# ---------------------------------------------------------------- the work


@dataclass(frozen=True)
class Folder:
    """`s3://bucket/prefix/`."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> "Folder":
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        return cls(bucket, prefix)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True)
class RawObject:
    """A raw object as S3 gave it, its bytes in a file."""

    path: str
    file: Path
    metadata: dict[str, str]
    etag: str


class Run:
    def __init__(self, arguments: argparse.Namespace, work: Path) -> None:
        self._arguments, self._work = arguments, work
        self._s3, self._glue = boto3.client("s3"), boto3.client("glue")
        self._duckdb = duckdb.connect()
        started_at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self._made = {"run_id": arguments.JOB_RUN_ID, "started_at": started_at}

    def refine(self) -> None:
        """Refines and records each date or marks it as failed, and fails at the end if a date
        did.
        """
        days = self._arguments.dates
        with ThreadPoolExecutor(THREADS) as pool:
            found, missing = for_each_date(pool, days, self._fetch)
            good, unread = for_each_date(pool, found, lambda day: self._usable(found[day]))
            if good:
                self._replace(pool, good)
            failed = dict(sorted((missing | unread).items()))

            def mark(day: date) -> None:
                key = f"{FAILED}date={day}/{found[day].etag}/{self._arguments.JOB_RUN_ID}"
                self._create(key, json.dumps({"cause": failed[day][:CAUSE_LENGTH]}).encode())

            _, unmarked = for_each_date(pool, unread, mark)
        for day, cause in unmarked.items():
            sys.stdout.write(f"{day} could not be marked as failed: {cause}\n")
        if failed:
            told = "; ".join(f"{day}: {cause[:CAUSE_LENGTH]}" for day, cause in failed.items())
            raise RunError(f"{len(failed)} of {len(days)} dates failed: {told}")

    def _replace(self, pool: ThreadPoolExecutor, raws: dict[date, RawObject]) -> None:
        """The order is that of `refine.py`: `done` forgotten, objects, catalog, objects that are
        gone, and `done` said again. All these dates at once: what fails here fails the run.
        """
        target = self._arguments.target
        self._delete(self._listed(pool, [f"{DONE}date={day}/" for day in raws]))
        as_of = str(datetime.now(UTC).astimezone(SAO_PAULO).date())
        files = [str(raw.file) for raw in raws.values()]
        self._duckdb.execute(REFINE, {"as_of": as_of, "files": files})
        rows = self._duckdb.execute("SELECT data, setor, number FROM refined").fetchall()
        wanted = {self._key(day, sector): self._encode(number) for day, sector, number in rows}
        list(pool.map(self._put, wanted, wanted.values()))
        self._register({str(day) for day in raws}, {(day, sector) for day, sector, _ in rows})
        there = self._listed(pool, [f"{target.prefix}Data={day}/" for day in raws])
        self._delete(there - wanted.keys())
        for day, raw in raws.items():
            says = raw.metadata
            source = {"landing_key": says["landing-key"], "content": says["content-hash"]}
            self._put(f"{DONE}date={day}/{raw.etag}", json.dumps(source | self._made).encode())

    def _fetch(self, day: date) -> RawObject:
        source = self._arguments.source
        key = f"{source.prefix}date={day}/{self._arguments.filename}"
        path = f"s3://{source.bucket}/{key}"
        try:
            answer = self._s3.get_object(Bucket=source.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise RunError(f"{path} does not exist: fetch that date, then refine again") from error
        file = self._work / f"{day}.parquet"
        file.write_bytes(answer["Body"].read())
        return RawObject(path, file, answer["Metadata"], answer["ETag"].strip('"'))

    def _usable(self, raw: RawObject) -> RawObject:
        try:
            self._duckdb.cursor().execute("FROM parquet_schema(?)", [str(raw.file)])
        except duckdb.Error as error:
            raise RunError(f"{raw.path} cannot be read as Parquet: {error}") from error
        if not {"landing-key", "content-hash"} <= raw.metadata.keys():
            what = "does not say which landing object it was made from"
            raise RunError(f"{raw.path} {what}: write the raw object again")
        return raw

    def _encode(self, number: int) -> bytes:
        path = self._work / f"{number}.refined"
        options = "(FORMAT parquet, COMPRESSION snappy)"
        self._duckdb.execute(f"COPY ({ROW} WHERE number = {number}) TO '{path}' {options}")
        return path.read_bytes()

    def _put(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._arguments.target.bucket, Key=key, Body=body)

    def _create(self, key: str, body: bytes) -> None:
        bucket = self._arguments.target.bucket
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            there = ("PreconditionFailed", "ConditionalRequestConflict")
            if error.response["Error"]["Code"] not in there:
                raise

    def _key(self, day: str, sector: str) -> str:
        return f"{self._arguments.target.prefix}{partition_name(day, sector)}/{DATA_FILE}"

    def _listed(self, pool: ThreadPoolExecutor, prefixes: list[str]) -> set[str]:
        return {key for keys in pool.map(self._list, prefixes) for key in keys}

    def _list(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._arguments.target.bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _delete(self, keys: set[str]) -> None:
        for batch in batches(sorted(keys), DELETE_OBJECTS):
            answer = self._s3.delete_objects(
                Bucket=self._arguments.target.bucket,
                Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
            )
            checked(answer.get("Errors", []))

    def _register(self, days: set[str], wanted: set[tuple[str, str]]) -> None:
        table = {"DatabaseName": self._arguments.database}
        storage = self._glue.get_table(**table, Name=self._arguments.table)["Table"][
            "StorageDescriptor"
        ]
        table["TableName"] = self._arguments.table
        pages = self._glue.get_paginator("get_partitions").paginate(
            **table, Expression=f"data >= '{min(days)}' AND data <= '{max(days)}'"
        )
        found = {tuple(found["Values"]) for page in pages for found in page["Partitions"]}
        inputs = [self._partition(partition, storage) for partition in sorted(wanted - found)]
        for batch in batches(inputs, CREATE_BATCH):
            answer = self._glue.batch_create_partition(**table, PartitionInputList=batch)
            checked(answer.get("Errors", []))
        gone = [{"Values": list(values)} for values in sorted(found - wanted) if values[0] in days]
        for batch in batches(gone, DELETE_BATCH):
            answer = self._glue.batch_delete_partition(**table, PartitionsToDelete=batch)
            checked(answer.get("Errors", []))

    def _partition(self, partition: tuple[str, str], storage: dict[str, Any]) -> dict[str, Any]:
        location = f"{self._arguments.target}{partition_name(*partition)}/"
        return {"Values": list(partition), "StorageDescriptor": {**storage, "Location": location}}


def for_each_date(
    pool: ThreadPoolExecutor, days: Iterable[date], work: Callable[[date], Any]
) -> tuple[dict[date, Any], dict[date, str]]:
    """Does `work` for each date. Returns the results, and the causes of those that failed."""
    futures = {day: pool.submit(work, day) for day in days}
    results, failed = {}, {}
    for day, future in futures.items():
        try:
            results[day] = future.result()
        except (RunError, BotoCoreError, ClientError) as error:
            failed[day] = " ".join(str(error).split())
    return results, failed


def checked(errors: list[dict[str, Any]]) -> None:
    if errors:
        raise RunError(f"{len(errors)} refused, first {errors[0]}")


def partition_name(day: str, sector: str) -> str:
    """Escapes as Hive does, only ASCII characters."""
    escaped = re.sub("[\x01-\x1f\"#%'*/:=?\\\\\x7f{[\\]^]", lambda c: f"%{ord(c[0]):02X}", sector)
    return f"Data={day}/Setor={escaped}"


def batches(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


# ---------------------------------------------------------------- the program


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("script")
    parser.add_argument(
        "--dates",
        required=True,
        type=lambda text: sorted({date.fromisoformat(day) for day in text.split(",")}),
    )
    parser.add_argument("--source", required=True, type=Folder.parse)
    parser.add_argument("--target", required=True, type=Folder.parse)
    for name in ("--filename", "--database", "--table", "--JOB_NAME", "--JOB_RUN_ID"):
        parser.add_argument(name, required=True)
    return parser.parse_known_args(argv)[0]


def main(argv: list[str]) -> int:
    arguments = parse_arguments(argv)
    script = Script(arguments.JOB_NAME)
    try:
        script.follow(arguments.JOB_RUN_ID)
        if script.wants_spark:
            os.execv(sys.executable, [sys.executable, str(SPARK_RUNNER), *argv])
        with tempfile.TemporaryDirectory(prefix="fast-glue-run-") as work:
            Run(arguments, Path(work)).refine()
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n".replace("\n", " ").strip() + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
