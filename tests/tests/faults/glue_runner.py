"""Carries out a Glue run in a moment without Spark, as its test orders.

The order is the file `glue-orders/<job name>` in the emulator's state folder. `fail <message>`
writes the message to stderr and fails. `fail-once <message>` does so once. `hang` waits for another
order, or until the run is killed. Without a file, or with an empty one, the run succeeds. Every run
first reads its raw files and notes its id in `<job name>.read` beside the order, and later refines
what it has read.

In the place of rows, a successful run writes the key of each raw file's landing object to
`refined/Data=<date>/made-from`, and records that in `done`. A date fails by itself and is marked if
its raw file is missing, is not Parquet, or does not name its landing object.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from small_s3 import S3

POLL_SECONDS = 0.05
DONE, FAILED = "control/refine/done/", "control/refine/failed/"
MAGIC = b"PAR1"


class RunError(Exception):
    """A failure in one line."""


class Orders:
    """The test's orders for the runs of one job."""

    def __init__(self, job: str) -> None:
        self._file = Path(os.environ["TMPDIR"]).parent / "glue-orders" / job

    def fail(self) -> None:
        """Fails if the order says so."""
        command, _, message = self._order().partition(" ")
        if command == "fail-once":
            self._file.unlink()
        if command in ("fail", "fail-once"):
            raise RunError(message)

    def wait(self) -> None:
        """Waits while the order says so."""
        while self._order() == "hang":
            time.sleep(POLL_SECONDS)

    def note_read(self, run_id: str) -> None:
        self._file.parent.mkdir(exist_ok=True)
        with self._file.with_suffix(".read").open("a") as read:
            read.write(f"{run_id}\n")

    def _order(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""


@dataclass(frozen=True)
class Raw:
    """A raw file as S3 gave it."""

    body: bytes
    etag: str
    landing_key: str | None
    content: str | None


class Lake:
    """The bucket, with the rights of the job's role."""

    def __init__(self, arguments: dict[str, str]) -> None:
        self._bucket = arguments["--source"].removeprefix("s3://").split("/")[0]
        self._s3 = S3(self._bucket)
        self._file_name, self._run_id = arguments["--filename"], arguments["--JOB_RUN_ID"]

    def raw(self, day: str) -> Raw | None:
        """The raw file of a date."""
        found = self._s3.get(self._raw_key(day))
        if found is None:
            return None
        body, headers = found
        noted = (headers.get(f"x-amz-meta-{name}") for name in ("landing-key", "content-hash"))
        return Raw(body, headers["etag"].strip('"'), *noted)

    def refine(self, day: str, raw: Raw | None) -> None:
        path = f"s3://{self._bucket}/{self._raw_key(day)}"
        if raw is None:
            raise RunError(f"{path} does not exist: fetch that date, then refine again")
        try:
            self._replace(day, path, raw)
        except RunError as error:
            self._mark(day, raw.etag, str(error))
            raise

    def _replace(self, day: str, path: str, raw: Raw) -> None:
        body, landing = raw.body, raw.landing_key
        if len(body) < 3 * len(MAGIC) or not (body.startswith(MAGIC) and body.endswith(MAGIC)):
            raise RunError(f"{path} cannot be read as Parquet")
        if landing is None:
            raise RunError(f"{path} does not say which landing object it was made from")
        done = f"{DONE}date={day}/"
        for key in self._s3.keys(done):
            self._s3.delete(key)
        self._s3.put(f"refined/Data={day}/made-from", landing.encode())
        record = {
            "landing_key": landing,
            "content": raw.content,
            "run_id": self._run_id,
            "started_at": datetime.now(UTC).isoformat(),
        }
        self._s3.put(done + raw.etag, json.dumps(record).encode())

    def _mark(self, day: str, etag: str, cause: str) -> None:
        key = f"{FAILED}date={day}/{etag}/{self._run_id}"
        self._s3.put(key, json.dumps({"cause": cause}).encode(), only_new=True)

    def _raw_key(self, day: str) -> str:
        return f"raw/date={day}/{self._file_name}"


def run(arguments: dict[str, str]) -> None:
    orders = Orders(arguments["--JOB_NAME"])
    orders.fail()
    lake = Lake(arguments)
    raws = {day: lake.raw(day) for day in arguments["--dates"].split(",")}
    orders.note_read(arguments["--JOB_RUN_ID"])
    orders.wait()
    orders.fail()
    failed = []
    for day, raw in raws.items():
        try:
            lake.refine(day, raw)
        except RunError as error:
            failed.append(f"{day}: {error}")
    if failed:
        raise RunError(f"{len(failed)} of {len(raws)} dates failed: {'; '.join(failed)}")


def main(argv: list[str]) -> int:
    try:
        run(dict(zip(argv[1::2], argv[2::2], strict=True)))
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
