"""The part of S3 that the job uses, in memory."""

# Names as boto3 spells them.
# ruff: noqa: N803, N818

import io
from collections.abc import Iterator
from hashlib import md5

from botocore.exceptions import ClientError

PAGE = 3  # small, so that a handful of objects needs several pages
BATCH = 1000  # the limit of one DeleteObjects call


class NoSuchKey(ClientError):
    pass


def refusal(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class FakeS3:
    """Stands in for boto3's S3 client, with one bucket."""

    class exceptions:  # noqa: N801
        NoSuchKey = NoSuchKey

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        # In order: the operation and its key.
        self.calls: list[tuple[str, str]] = []
        self.before_call = lambda operation, key: None
        self.undeletable: set[str] = set()

    def _called(self, operation: str, bucket: str, key: str) -> None:
        assert bucket == self.bucket
        self.before_call(operation, key)
        self.calls.append((operation, key))

    def get_object(self, Bucket: str, Key: str) -> dict:
        self._called("get", Bucket, Key)
        if Key not in self.objects:
            raise NoSuchKey({"Error": {"Code": "NoSuchKey", "Message": "no such key"}}, "GetObject")
        return {
            "Body": io.BytesIO(self.objects[Key]),
            "ETag": f'"{self.etag(Key)}"',
            "Metadata": self.metadata.get(Key, {}),
        }

    def put_object(self, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "") -> None:
        self._called("put", Bucket, Key)
        if IfNoneMatch == "*" and Key in self.objects:
            raise refusal("PutObject", "PreconditionFailed")
        self.objects[Key] = Body

    def delete_objects(self, Bucket: str, Delete: dict) -> dict:
        keys = [item["Key"] for item in Delete["Objects"]]
        assert 0 < len(keys) <= BATCH
        errors = []
        for key in keys:
            self._called("delete", Bucket, key)
            if key in self.undeletable:
                errors.append({"Key": key, "Code": "AccessDenied", "Message": "no"})
            else:
                self.objects.pop(key, None)
        return {"Errors": errors} if errors else {}

    def get_paginator(self, operation: str) -> "FakeS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict]:
        self._called("list", Bucket, Prefix)
        keys = sorted(key for key in list(self.objects) if key.startswith(Prefix))
        if not keys:
            yield {}
        for start in range(0, len(keys), PAGE):
            yield {"Contents": [{"Key": key} for key in keys[start : start + PAGE]]}

    def etag(self, key: str) -> str:
        return md5(self.objects[key], usedforsecurity=False).hexdigest()
