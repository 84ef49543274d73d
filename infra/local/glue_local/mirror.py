"""A working folder that stands for the objects of one run, and the way of its changes to S3.

The order is the one that the script itself keeps towards S3 on AWS. What it wrote is uploaded
before any call to the catalog, so no partition is registered whose file is not there; what it
deleted is deleted after the script ended well, when the catalog has forgotten it. A script that
fails leaves S3 as a run that died there would.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

THREADS = 8
DELETE_BATCH = 1000  # what one DeleteObjects call may carry


@dataclass(frozen=True)
class Location:
    """`s3://bucket/prefix/` taken apart; the prefix ends with a slash."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> "Location":
        scheme, _, rest = text.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise ValueError(f"{text!r} is not an S3 location like s3://bucket/raw/")
        return cls(bucket, prefix.rstrip("/") + "/" if prefix.strip("/") else "")


class Mirror:
    """The raw objects and the refined partitions of a run's dates, as files under
    `<root>/<bucket>/<key>`.
    """

    def __init__(self, s3: Any, root: Path, source: Location, target: Location) -> None:
        self._s3, self._root, self._source, self._target = s3, root, source, target
        # Refined objects known to be in S3, with the state of the file that last went there.
        self._known: dict[str, tuple[int, int] | None] = {}
        for bucket in self.buckets.values():
            bucket.mkdir(parents=True, exist_ok=True)

    @property
    def buckets(self) -> dict[str, Path]:
        return {name: self._root / name for name in {self._source.bucket, self._target.bucket}}

    def fetch(self, dates: list[str], filename: str) -> None:
        """Bring the raw objects of the dates, and the names of the refined objects that are there
        already.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda day: self._fetch_raw(f"date={day}/{filename}"), dates))
            list(pool.map(lambda day: self._list_refined(f"Data={day}/"), dates))

    def _fetch_raw(self, name: str) -> None:
        bucket, key = self._source.bucket, self._source.prefix + name
        path = self._path(bucket, key)
        try:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return  # the script says so, in its own words
            raise
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def _list_refined(self, name: str) -> None:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._target.bucket, Prefix=self._target.prefix + name
        )
        for item in (item for page in pages for item in page.get("Contents", [])):
            if item["Key"].endswith("/"):
                continue
            # The script lists and replaces these and never reads them: an empty file says all it
            # needs.
            path = self._path(self._target.bucket, item["Key"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._known[item["Key"]] = state(path)

    def upload(self) -> None:
        """Put every refined file that is new or was written again; `_staging` and its like are
        nobody's data.
        """
        written = {key: now for key, now in self._files().items() if self._known.get(key) != now}
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._put, written))
        self._known.update(written)

    def _put(self, key: str) -> None:
        body = self._path(self._target.bucket, key).read_bytes()
        self._s3.put_object(Bucket=self._target.bucket, Key=key, Body=body)

    def delete_gone(self) -> None:
        """Delete the refined objects whose files the script deleted."""
        gone = sorted(self._known.keys() - self._files().keys())
        for start in range(0, len(gone), DELETE_BATCH):
            keys = [{"Key": key} for key in gone[start : start + DELETE_BATCH]]
            answer = self._s3.delete_objects(
                Bucket=self._target.bucket, Delete={"Objects": keys, "Quiet": True}
            )
            if errors := answer.get("Errors"):
                first = errors[0]
                raise RuntimeError(
                    f"S3 refused to delete {len(errors)} objects of s3://{self._target.bucket}, "
                    f"first {first['Key']}: {first['Code']} {first.get('Message', '')}"
                )

    def _files(self) -> dict[str, tuple[int, int]]:
        bucket = self._root / self._target.bucket
        folder = bucket / self._target.prefix
        return {
            str(path.relative_to(bucket)): state(path)
            for path in folder.rglob("*")
            if path.is_file() and not path.relative_to(folder).parts[0].startswith(("_", "."))
        }

    def _path(self, bucket: str, key: str) -> Path:
        path = self._root / bucket / key
        if ".." in path.parts:
            raise ValueError(f"s3://{bucket}/{key} would leave the working folder")
        return path


def state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
