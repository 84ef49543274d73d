"""An AWS in memory, as far as the functions call it: a bucket, runs of a Glue job, a topic.

The local emulator starts a process for each Glue run, and its own work would distort the
measurements. This stand-in checks neither rights nor arguments, which the tests do.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import servers

BUCKET = "bench-lake"
META = "x-amz-meta-"


@dataclass(frozen=True)
class StoredObject:
    body: bytes
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Account(servers.Server):
    """The whole state. It may be changed between two calls of a function."""

    def __init__(self) -> None:
        super().__init__(AccountHandler)
        self.objects: dict[str, StoredObject] = {}
        self.runs: dict[str, dict[str, str]] = {}
        self.published = 0
        self.unknown_calls: list[str] = []

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def delete(self, prefix: str) -> None:
        for key in self.keys(prefix):
            del self.objects[key]


class AccountHandler(servers.Handler):
    server: Account
    JSON: ClassVar = {"Content-Type": "application/x-amz-json-1.1"}
    XML: ClassVar = {"Content-Type": "text/xml"}

    def do_GET(self) -> None:  # noqa: N802 — http.server's name
        key, query = self.where()
        if key:
            self.send_object(key)
        elif query.get("list-type") == ["2"]:
            self.send_list(query.get("prefix", [""])[0])
        else:
            self.refuse()

    def do_HEAD(self) -> None:  # noqa: N802 — http.server's name
        self.send_object(self.where()[0])

    def do_PUT(self) -> None:  # noqa: N802 — http.server's name
        body = self.body()
        key, _ = self.where()
        there = self.server.objects.get(key)
        if_match = self.headers.get("If-Match")
        if there and self.headers.get("If-None-Match") == "*":
            return self.fail(412, "PreconditionFailed")
        if if_match and (there is None or there.etag != if_match):
            return self.fail(412, "PreconditionFailed") if there else self.fail(404, "NoSuchKey")
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            return self.refuse()
        names = {name.lower() for name in self.headers}
        metadata = {name: self.headers[name] for name in names if name.startswith(META)}
        stored = self.server.objects[key] = StoredObject(body, metadata)
        return self.answer(200, headers={"ETag": stored.etag})

    def do_DELETE(self) -> None:  # noqa: N802 — http.server's name
        self.server.objects.pop(self.where()[0], None)
        self.answer(204)

    def do_POST(self) -> None:  # noqa: N802 — http.server's name
        body = self.body()
        target = self.headers.get("X-Amz-Target", "")
        if target == "AWSGlue.StartJobRun":
            self.start_run(json.loads(body))
        elif target == "AWSGlue.GetJobRuns":
            self.send_runs(json.loads(body))
        elif b"Action=Publish" in body:
            self.server.published += 1
            self.answer(200, PUBLISHED, self.XML)
        else:
            self.refuse()

    def where(self) -> tuple[str, dict[str, list[str]]]:
        """The key, which is empty for the bucket itself, and the query."""
        url = urlsplit(self.path)
        _, _, key = unquote(url.path).lstrip("/").partition("/")
        return key, parse_qs(url.query)

    def send_object(self, key: str) -> None:
        stored = self.server.objects.get(key)
        if stored is None:
            return self.fail(404, "NoSuchKey")
        headers = {"ETag": stored.etag, "Content-Length": str(len(stored.body))}
        return self.answer(200, stored.body, headers | stored.metadata)

    def send_list(self, prefix: str) -> None:
        keys = self.server.keys(prefix)
        contents = "".join(listed(key, self.server.objects[key]) for key in keys)
        xml = (
            f"<ListBucketResult><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(keys)}</KeyCount>"
            f"<IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        )
        self.answer(200, xml.encode(), self.XML)

    def start_run(self, request: dict[str, Any]) -> None:
        run_id = f"jr_{len(self.server.runs):064x}"
        self.server.runs[run_id] = request.get("Arguments", {})
        self.answer(200, json.dumps({"JobRunId": run_id}).encode(), self.JSON)

    def send_runs(self, request: dict[str, Any]) -> None:
        """Every run succeeds the moment it starts."""
        runs = [
            {
                "Id": run_id,
                "JobName": request["JobName"],
                "JobRunState": "SUCCEEDED",
                "Arguments": arguments,
                "ExecutionTime": 60,
            }
            for run_id, arguments in reversed(self.server.runs.items())
        ]
        self.answer(200, json.dumps({"JobRuns": runs}).encode(), self.JSON)

    def fail(self, status: int, code: str) -> None:
        self.answer(status, f"<Error><Code>{code}</Code></Error>".encode(), self.XML)

    def refuse(self) -> None:
        target = self.headers.get("X-Amz-Target", "")
        self.server.unknown_calls.append(f"{self.command} {self.path} {target}".strip())
        self.fail(400, "NotHere")


def listed(key: str, stored: StoredObject) -> str:
    """An object in a listing."""
    size = len(stored.body)
    described = f"<Key>{escape(key)}</Key><ETag>{escape(stored.etag)}</ETag><Size>{size}</Size>"
    return f"<Contents>{described}</Contents>"


PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>1</MessageId></PublishResult></PublishResponse>"
)
