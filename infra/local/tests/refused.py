"""What tests of refusals expect: AWS's code, its status, and words of the reason."""

import contextlib
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def refused(code: str, reason: str | None = None) -> Iterator[None]:
    """The block's request is answered with status 400, this code and a message with `reason`."""
    with pytest.raises(ClientError, match=reason) as error:
        yield
    response = error.value.response
    answer = response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
    assert answer == (code, 400)
