"""In which order a run's changes reach S3, and what a failed one says; without a start of Spark."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator_process import SPARK, Emulator

DAY = "refined/Data=2026-11-20"
OLD, KEPT, NEW = (f"{DAY}/Setor={name}/part-0.parquet" for name in ("Velho", "Fica", "Novo"))
# What Spark does to the folder that stands for the bucket, done by hand.
SCRIPT = """
import os, shlex, sys
from pathlib import Path
from urllib.parse import urlparse
import boto3

options = shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])
(mount,) = [option for option in options if ".linkFallback=" in option]
lake = Path(urlparse(mount.partition("=")[2]).path)
raw = (lake / "raw/date=2026-11-20/ibov_setor.parquet").read_text()
for key in ("{new}", "refined/_staging/part-0.parquet"):
    (lake / key).parent.mkdir(parents=True)
    (lake / key).write_text("refined from " + raw)
(lake / "{old}").unlink()
boto3.client("glue").get_databases()
listing = boto3.client("s3").list_objects_v2(Bucket="{bucket}", Prefix="refined/")
print(*[entry["Key"] for entry in listing["Contents"]], sep="\\n")
if "--fail" in sys.argv:
    raise ValueError("no such date\\nand more about it")
"""


class Bucket:
    def __init__(self, emulator: Emulator, name: str) -> None:
        self.s3, self.name = emulator.client("s3"), name
        self.s3.create_bucket(Bucket=name)
        self.put("raw/date=2026-11-20/ibov_setor.parquet", b"raw")
        self.put(OLD, b"old")
        self.put(KEPT, b"kept")

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def refined(self) -> dict[str, bytes]:
        listing = self.s3.list_objects_v2(Bucket=self.name, Prefix="refined/")
        return {
            entry["Key"]: self.s3.get_object(Bucket=self.name, Key=entry["Key"])["Body"].read()
            for entry in listing["Contents"]
        }


@pytest.fixture
def bucket(emulator: Emulator, name: str) -> Bucket:
    return Bucket(emulator, name)


@pytest.fixture
def run(
    emulator: Emulator, bucket: Bucket, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(bucket=bucket.name, new=NEW, old=OLD))
    lake = f"s3://{bucket.name}"
    environment = {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TMPDIR": str(tmp_path),
    }
    arguments = [
        *("--source", f"{lake}/raw/", "--target", f"{lake}/refined/"),
        *("--dates", "2026-11-20", "--filename", "ibov_setor.parquet"),
    ]

    def start(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, SPARK.script, script, *arguments, *more],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def test_files_come_before_the_catalog_calls_and_go_after_the_script(
    bucket: Bucket, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    ended = run()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [KEPT, NEW, OLD]
    assert bucket.refined() == {KEPT: b"kept", NEW: b"refined from raw"}
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


def test_a_script_that_fails_deletes_nothing_and_ends_with_its_cause(
    bucket: Bucket, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    ended = run("--fail")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "ValueError: no such date"
    assert bucket.refined().keys() == {KEPT, NEW, OLD}
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]
