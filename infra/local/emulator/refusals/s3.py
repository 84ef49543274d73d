"""Limits of S3: the length of a key and the size of an object's metadata.

Patches in `ministack.services.s3`: `_dispatch`. Uses `_error`.
"""

from typing import Any

from ministack.services import s3

import pinned
from refusals.guard import RefusedError, guard

# Of the key in UTF-8.
LONGEST_KEY = 1_024
# Names and values together, in UTF-8, without the prefix of the names.
MOST_METADATA = 2_048
PREFIX = "x-amz-meta-"


def install() -> None:
    pinned.require(s3, "_error")
    guard(s3, "_dispatch", check_request, refuse)


def refuse(refusal: RefusedError) -> tuple[int, dict[str, str], bytes]:
    return s3._error(refusal.code, refusal.message, 400)


def check_request(
    method: str, _bucket: str, key: str, headers: dict[str, str], _body: bytes, _query: Any
) -> None:
    if len(key.encode()) > LONGEST_KEY:
        raise RefusedError("KeyTooLongError", "Your key is too long")
    # A copy keeps the metadata of its source unless it says REPLACE.
    copies = headers.get("x-amz-copy-source") is not None
    keeps = copies and headers.get("x-amz-metadata-directive", "COPY").upper() != "REPLACE"
    if method in ("PUT", "POST") and not keeps and metadata_bytes(headers) > MOST_METADATA:
        raise RefusedError(
            "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"
        )


def metadata_bytes(headers: dict[str, str]) -> int:
    return sum(
        len(name.removeprefix(PREFIX).encode()) + len(value.encode())
        for name, value in headers.items()
        if name.startswith(PREFIX)
    )
