"""How long a kept local stack takes for a year of portfolios that arrive at once.

    .ibov/venv/bin/python tests/bench/year.py

Starts `cargo ibov run --sample --keep` on an empty lake, uploads 366 landing objects together, and
prints when the last of them had got through each stage, counted from the first upload. The last
line is Athena's: it reads all dates back. The seconds are this machine's.
"""

import argparse
import concurrent.futures
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import portfolios
from functions import ROOT

NOTE = ROOT / ".ibov" / "local.json"
POLL_SECONDS = 0.3
UPLOADS_AT_ONCE = 16


class StackError(Exception):
    """The stack did not start, or something in it failed."""


@contextlib.contextmanager
def kept_stack(lake: Path) -> Iterator[dict[str, Any]]:
    if NOTE.exists():
        raise StackError(f"a local stack is up already, or was killed: {NOTE} exists")
    command = ["cargo", "--quiet", "ibov", "run", "--sample", "--keep", "--lake", str(lake)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    try:
        while not NOTE.exists():
            if process.poll() is not None:
                raise StackError("the stack did not start")
            time.sleep(POLL_SECONDS)
        yield json.loads(NOTE.read_text(encoding="utf-8"))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


class Stack:
    def __init__(self, note: dict[str, Any]) -> None:
        self.outputs: dict[str, str] = note["outputs"]
        self.bucket = self.outputs["BucketName"]
        self.outbox = Path(note["folder"]) / "outbox.jsonl"
        settings = {
            "endpoint_url": note["endpoint"],
            "region_name": note["region"],
            "aws_access_key_id": note["access_key_id"],
            "aws_secret_access_key": note["secret_access_key"],
        }
        self.s3 = boto3.client("s3", **settings)
        self.glue = boto3.client("glue", **settings)
        self.athena = boto3.client("athena", **settings)

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def dates(self, prefix: str) -> int:
        """How many dates have an object under `prefix`."""
        return len({key.split("date=")[1].split("/")[0] for key in self.keys(prefix)})

    def mailed(self) -> int:
        """How many dates the completions name."""
        topic = self.outputs["CompletionsTopicArn"]
        mails = [json.loads(line) for line in self.outbox.read_text().splitlines()]
        told = [mail["message"] for mail in mails if mail["topic"] == topic]
        alerts = [mail for mail in mails if mail["topic"] != topic]
        failed = [mail for mail in alerts if mail["attributes"].get("severity") != "warning"]
        if failed:
            raise StackError(f"an alert was mailed: {failed[0]['subject']}")
        return len({line.strip() for text in told for line in text.split() if is_date(line)})

    def upload(self, objects: list[tuple[str, bytes]]) -> None:
        def put(item: tuple[str, bytes]) -> None:
            self.s3.put_object(Bucket=self.bucket, Key=item[0], Body=item[1])

        with concurrent.futures.ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            list(pool.map(put, objects))

    def dates_in_athena(self) -> int:
        database = self.outputs["DatabaseName"]
        started = self.athena.start_query_execution(
            QueryString=f'SELECT count(DISTINCT data) FROM "{database}"."tb_ibov_refined"',
            WorkGroup=self.outputs["WorkGroupName"],
        )["QueryExecutionId"]
        while True:
            execution = self.athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                rows = self.athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
                return int(rows[1]["Data"][0]["VarCharValue"])
            if state in ("FAILED", "CANCELLED"):
                raise StackError(f"Athena: {execution['Status']}")
            time.sleep(POLL_SECONDS)


def is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip(",."))
    except ValueError:
        return False
    return True


def measure(days: int, timeout: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ibov-bench-") as lake, kept_stack(Path(lake)) as note:
        stack = Stack(note)
        [sample] = stack.keys("landing/")
        envelope = json.loads(stack.s3.get_object(Bucket=stack.bucket, Key=sample)["Body"].read())
        last = date.fromisoformat(sample.split("date=")[1].split("/")[0])
        # Weekdays before the sample's, so that each is new.
        first = last - timedelta(days=days * 7 // 5 + 7)
        sessions = [day for day in portfolios.sessions(days * 2, first) if day < last][:days]
        objects = list(portfolios.landing_objects(envelope, sessions))
        runs = len(stack.glue.get_job_runs(JobName=stack.outputs["GlueJobName"])["JobRuns"])
        began = time.monotonic()

        def until(stage: str, count: Callable[[], int], wanted: int) -> None:
            while (found := count()) < wanted:
                if time.monotonic() - began > timeout:
                    raise StackError(f"{stage}: {found} of {wanted} after {timeout} s")
                time.sleep(POLL_SECONDS)
            print(f"{stage:<34}{time.monotonic() - began:>6.1f} s", flush=True)

        stack.upload(objects)
        # The sample's date has gone through before.
        until("landing: the last upload", lambda: stack.dates("landing/"), days + 1)
        until("raw: the last Parquet file", lambda: stack.dates("raw/"), days + 1)
        until("refined: the last date", lambda: stack.dates("control/refine/done/"), days + 1)
        until("mailed: the last date", stack.mailed, days)
        until("Athena: all dates read back", stack.dates_in_athena, days + 1)
        runs = len(stack.glue.get_job_runs(JobName=stack.outputs["GlueJobName"])["JobRuns"]) - runs
        print(f"{days} dates in {runs} Glue runs")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("days", nargs="?", type=int, default=366)
    parser.add_argument("--timeout", type=float, default=600, help="seconds until it is given up")
    arguments = parser.parse_args()
    try:
        measure(arguments.days, arguments.timeout)
    except StackError as error:
        print(f"the benchmark failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
