"""As much of S3 as a run needs. Importing boto3 and making a client takes longer than a whole run.

It signs its requests, since the emulator checks what the role of the job may do.
"""

import hashlib
import hmac
import http.client
import os
import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

SERVICE = "s3"
PAYLOAD = "UNSIGNED-PAYLOAD"


class S3Error(Exception):
    """An answer that says no."""


class S3:
    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._host = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
        self._connection = http.client.HTTPConnection(self._host)

    def get(self, key: str) -> tuple[bytes, dict[str, str]] | None:
        """The bytes and the headers of an object, the names in lower case."""
        try:
            return self._call("GET", key)
        except FileNotFoundError:
            return None

    def put(self, key: str, body: bytes, *, only_new: bool = False) -> None:
        self._call("PUT", key, body=body, headers={"If-None-Match": "*"} if only_new else {})

    def delete(self, key: str) -> None:
        self._call("DELETE", key)

    def keys(self, prefix: str) -> list[str]:
        """The first thousand keys that begin with `prefix`. They must need no escapes in XML."""
        listed, _ = self._call("GET", "", query={"list-type": "2", "prefix": prefix})
        return re.findall("<Key>(.*?)</Key>", listed.decode())

    def _call(
        self,
        method: str,
        key: str,
        *,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        path = quote(f"/{self._bucket}/{key}")
        pairs = sorted((query or {}).items())
        asked = "&".join(f"{quote(name, '')}={quote(value, '')}" for name, value in pairs)
        signed = self._signed(method, path, asked)
        target = f"{path}?{asked}" if asked else path
        self._connection.request(method, target, body, signed | (headers or {}))
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(target)
        if answer.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise S3Error(f"{method} {target}: {answer.status} {' '.join(said.decode().split())}")
        return said, {name.lower(): value for name, value in answer.getheaders()}

    def _signed(self, method: str, path: str, query: str) -> dict[str, str]:
        """The headers of AWS's Signature Version 4."""
        time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {
            "host": self._host,
            "x-amz-content-sha256": PAYLOAD,
            "x-amz-date": time,
            "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = "\n".join((method, path, query, lines, names, PAYLOAD))
        scope = (time[:8], os.environ["AWS_REGION"], SERVICE, "aws4_request")
        hashed = hashlib.sha256(request.encode()).hexdigest()
        text = "\n".join(("AWS4-HMAC-SHA256", time, "/".join(scope), hashed))
        key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        for part in (*scope, text):
            key = hmac.digest(key, part.encode(), "sha256")
        credential = "/".join((os.environ["AWS_ACCESS_KEY_ID"], *scope))
        proof = f"Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
        return headers | {"Authorization": f"AWS4-HMAC-SHA256 {proof}"}
