"""Missing objects: 403 instead of 404 for callers who may not list the bucket.

S3 answers GET and HEAD of an absent key with AccessDenied unless the caller has s3:ListBucket;
ministack always answers 404.

Patches in `ministack.services.s3`: `_head_object`, `_get_object`. Uses `_error` there, `enforce` of
`ministack.core.iam_evaluator` and `extract_access_key_id` of `ministack.core.router`.
"""

from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator, router
from ministack.core.responses import get_region
from ministack.services import s3

import pinned

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    pinned.require(s3, "_head_object", "_get_object", "_error", "_buckets")
    pinned.require(iam_evaluator, "enforce")
    pinned.require(router, "extract_access_key_id")
    s3._head_object = hide_missing(s3._head_object, with_body=False)
    s3._get_object = hide_missing(s3._get_object, with_body=True)


def hide_missing(read: Callable[..., Response], with_body: bool) -> Callable[..., Response]:
    def read_or_refuse(
        bucket: str, key: str, headers: Any = None, query: Any = None, **more: Any
    ) -> Response:
        response = read(bucket, key, headers or {}, query or {}, **more)
        if response[0] != 404 or bucket not in s3._buckets or may_list(bucket, headers, query):
            return response
        status, fields, body = s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
        return status, fields, body if with_body else b""

    return read_or_refuse


def may_list(bucket: str, headers: Any, query: Any) -> bool:
    access_key = router.extract_access_key_id(headers or {}, query or {})
    if not access_key:
        # One of ministack's own services reads, which needs no rights.
        return True
    arn = f"arn:aws:s3:::{bucket}"
    return iam_evaluator.enforce(access_key, "s3:ListBucket", "s3", get_region(), arn) is None
