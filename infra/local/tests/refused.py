"""Expectations of refusals: AWS's code, its status, and words of the reason."""

import contextlib
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def refused(code: str, reason: str | None = None) -> Iterator[None]:
    """Expects that the block's request is refused with status 400, this code and this reason."""
    with pytest.raises(ClientError, match=reason) as error:
        yield
    response = error.value.response
    answer = response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
    assert answer == (code, 400)
