"""The cost of a run of the Glue job, compared with the previous job.

    .ibov/venv/bin/python tests/bench/refine_job.py

Both run in turn over the same raw objects on one emulator, each with the local Glue of its time.
The previous files come from git, so this needs a checkout with its history. Only the ratios are
meaningful: the seconds depend on this machine and its load. Processor time is that of a run's own
processes, without the emulator, and steadier than elapsed time. It needs Linux and takes about ten
minutes.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import local_run
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "infra" / "local" / "tests"), str(ROOT / "infra" / "glue")]

import emulator_process  # noqa: E402
import refine  # noqa: E402

# The last commit whose job wrote with Spark and copied.
BEFORE = "a12fa64"
# Numbers of dates, and of rounds: short runs vary more.
ROUNDS = {1: 5, 10: 3, 60: 1, 366: 1}
SAMPLE_SECONDS = 0.1
FIRST_DAY = date(2026, 1, 1)
SECTORS, CONSTITUENTS = 29, 82
BUCKET, DATABASE, FILENAME = "bench", "bench", "ibov_setor.parquet"


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    # Resident memory of all processes of a run, an upper bound.
    peak_mib: float


# The job takes no more in one run.
MOST_DATES = 366


@dataclass(frozen=True)
class Job:
    name: str
    script: Path
    runner: Path


class Aws:
    """The emulator with raw objects, and a table for each run."""

    def __init__(self, emulator: emulator_process.Emulator) -> None:
        self.endpoint = emulator.endpoint
        self.s3, self.glue = emulator.client("s3"), emulator.client("glue")
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": DATABASE})

    def put_raw(self, count: int) -> None:
        metadata = {"landing-key": "landing/of/the/benchmark", "content-hash": "0" * 64}
        for day in days(count):
            key = f"raw/date={day}/{FILENAME}"
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=portfolio(day), Metadata=metadata)

    def create_table(self, name: str) -> None:
        table = {
            "Name": name,
            "PartitionKeys": [
                {"Name": "data", "Type": "date"},
                {"Name": "setor", "Type": "string"},
            ],
            "StorageDescriptor": {"Location": f"s3://{BUCKET}/{name}/", "Columns": []},
        }
        self.glue.create_table(DatabaseName=DATABASE, TableInput=table)

    def left(self, name: str) -> set[str]:
        """The files and partitions that a run has written."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{name}/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=DATABASE, TableName=name
        )
        found = [each["Values"] for page in pages for each in page["Partitions"]]
        return {key.removeprefix(f"{name}/") for key in keys} | {"/".join(each) for each in found}


def days(count: int) -> list[date]:
    return [FIRST_DAY + timedelta(days=number) for number in range(count)]


def portfolio(day: date) -> bytes:
    """A raw object, as large as a real one."""
    numbers = range(CONSTITUENTS)
    parts = [Decimal(1 + number) / 1000 for number in numbers]
    # The weights of a session add up to 100.
    parts[-1] += 100 - sum(parts)
    quantities = [1_000_000_007 * (1 + number) for number in numbers]
    columns = {
        "segment": [f"Bens Indls / Máqs {number % SECTORS}" for number in numbers],
        "cod": [f"COD{number}" for number in numbers],
        "asset": ["ACME"] * CONSTITUENTS,
        "type": ["ON      NM"] * CONSTITUENTS,
        "part": parts,
        "partAcum": [None] * CONSTITUENTS,
        "theoricalQty": quantities,
        "DataCarteira": [day] * CONSTITUENTS,
    }
    footer = {"total-part": str(sum(parts)), "total-theorical-qty": str(sum(quantities))}
    schema = pa.schema(list(refine.RAW_COLUMNS.items()), metadata=footer)
    file = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), file)
    return file.getvalue()


def jobs(folder: Path) -> list[Job]:
    """The previous job from git, and the one of this checkout."""
    paths = ["infra/glue/refine.py", "infra/local/glue_runner.py", "infra/local/glue_local"]
    command = ["git", "archive", BEFORE, *paths]
    archive = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    script, runner, _ = paths
    return [
        Job("before", folder / script, folder / runner),
        Job("after", ROOT / script, ROOT / runner),
    ]


def run(job: Job, aws: Aws, count: int, name: str) -> Cost:
    """Runs a job into an empty table, as often as so many dates take."""
    aws.create_table(name)
    dates = days(count)
    costs = [
        one_run(job, aws, dates[start : start + MOST_DATES], name)
        for start in range(0, count, MOST_DATES)
    ]
    return Cost(
        sum(cost.wall_s for cost in costs),
        sum(cost.cpu_s for cost in costs),
        max(cost.peak_mib for cost in costs),
    )


def one_run(job: Job, aws: Aws, dates: list[date], name: str) -> Cost:
    arguments = {
        "--dates": ",".join(map(str, dates)),
        "--source": f"s3://{BUCKET}/raw/",
        "--target": f"s3://{BUCKET}/{name}/",
        "--database": DATABASE,
        "--table": name,
        "--filename": FILENAME,
    }
    environment = os.environ | {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    words = [word for item in arguments.items() for word in item]
    used, began = cpu_of_children(), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, job.runner, job.script, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, local_run.memory_below(process.pid).mib)
        time.sleep(SAMPLE_SECONDS)
    wall = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"the run {name} failed: {process.stderr.read()}")
    return Cost(wall, cpu_of_children() - used, peak)


def cpu_of_children() -> float:
    """Processor time of the children that have ended, including their own children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(aws: Aws, both: list[Job], count: int, rounds: int) -> dict[str, Cost]:
    costs: dict[str, list[Cost]] = {job.name: [] for job in both}
    for number in range(rounds):
        left = []
        for job in both:
            name = f"{job.name}_{count}_{number}"
            costs[job.name].append(run(job, aws, count, name))
            left.append(aws.left(name))
        if left[0] != left[1] or len(left[0]) != 2 * count * SECTORS:
            raise RuntimeError(f"{count} dates: the two jobs do not leave the same behind")
    return {name: medians(each) for name, each in costs.items()}


def medians(costs: list[Cost]) -> Cost:
    return Cost(
        *(median(values) for values in zip(*(vars(cost).values() for cost in costs), strict=True))
    )


@contextlib.contextmanager
def emulator_with_raw_objects(count: int) -> Iterator[Aws]:
    with (
        tempfile.TemporaryDirectory(prefix="ibov-bench-") as folder,
        emulator_process.running(Path(folder)) as emulator,
    ):
        aws = Aws(emulator)
        aws.put_raw(count)
        yield aws


def measure(counts: list[int]) -> dict[int, dict[str, Any]]:
    artifacts = Path(sys.prefix) / "share" / "glue-local"
    before = set(artifacts.glob("*"))
    found = {}
    with tempfile.TemporaryDirectory(prefix="ibov-bench-") as folder:
        both = jobs(Path(folder))
        try:
            with emulator_with_raw_objects(max(counts)) as aws:
                for job in both:
                    # Does not count: it makes the files that later runs share.
                    run(job, aws, 1, f"{job.name}_first")
                for count in counts:
                    costs = compare(aws, both, count, ROUNDS.get(count, 1))
                    found[count] = {name: asdict(cost) for name, cost in costs.items()}
                    say(count, found[count])
        finally:
            for new in set(artifacts.glob("*")) - before:
                shutil.rmtree(new)
    return found


def say(count: int, costs: dict[str, dict[str, float]]) -> None:
    before, after = costs["before"], costs["after"]
    columns = [
        f"{name} {before[name]:.1f} → {after[name]:.1f} (×{after[name] / before[name]:.2f})"
        for name in before
    ]
    print(f"{count:>4} dates: " + ", ".join(columns), file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("counts", nargs="*", type=int, help=f"how many dates: {list(ROUNDS)}")
    found = measure(parser.parse_args().counts or list(ROUNDS))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
