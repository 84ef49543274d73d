"""`aws:SecureTransport` is true here, although nothing is encrypted in transit.

Templates deny every request without TLS. The emulator speaks plain HTTP over the loopback, which is
private. All requests and the deliveries of its own services count as secure, so that such a policy
can be deployed unchanged.

Patches in `ministack.core.iam_evaluator`: `_request_origin`; in `ministack.app`:
`pin_request_origin`.
"""

from contextvars import ContextVar

from ministack import app
from ministack.core import iam_evaluator

import pinned


def install() -> None:
    pinned.require(iam_evaluator, "_request_origin", "pin_request_origin")
    pinned.require(app, "pin_request_origin")
    # Background threads see the default, because they serve no request.
    iam_evaluator._request_origin = ContextVar("request_origin", default=("127.0.0.1", True))
    pin = iam_evaluator.pin_request_origin

    def pin_as_secure(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    app.pin_request_origin = pin_as_secure
