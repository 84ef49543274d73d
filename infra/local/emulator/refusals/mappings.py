"""Limits of a mapping from a queue to a function: batch, window, and the queue's visibility.

Patches in `ministack.services.lambda_svc`: `_create_esm`, `_update_esm`. Uses `_esms`, `_functions`
there and `_queue_by_arn` of `ministack.services.sqs`. CloudFormation:
`AWS::Lambda::EventSourceMapping`.
"""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, sqs

import pinned
from refusals.guard import RefusedError, guard, guard_resource, invalid

JSON = dict[str, Any]

# Without a window: one receive returns ten messages at most.
MOST_AT_ONCE = 10
MOST_IN_A_BATCH = 10_000
MOST_IN_A_FIFO_BATCH = 10
LONGEST_WINDOW = 300


def install() -> None:
    pinned.require(lambda_svc, "_esms", "_functions")
    pinned.require(sqs, "_queue_by_arn")
    guard(lambda_svc, "_create_esm", check_mapping, refuse)
    guard(lambda_svc, "_update_esm", check_changed, refuse)
    guard_resource("AWS::Lambda::EventSourceMapping", check_mapping_of_template)


def refuse(refusal: RefusedError) -> tuple[int, dict[str, str], bytes]:
    return error_response_json(refusal.code, refusal.message, 400)


def check_changed(mapping_id: str, request: JSON) -> None:
    check_mapping((lambda_svc._esms.get(mapping_id) or {}) | request)


def check_mapping_of_template(properties: JSON, _physical_id: str | None) -> None:
    check_mapping(properties)


def check_mapping(mapping: JSON) -> None:
    source = mapping.get("EventSourceArn", "")
    if not source.startswith("arn:aws:sqs:"):
        return
    window = int(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    check_batch(int(mapping.get("BatchSize") or MOST_AT_ONCE), window, source.endswith(".fifo"))
    check_visibility(source, mapping.get("FunctionName", ""))


def check_batch(size: int, window: int, fifo: bool) -> None:
    if not 0 <= window <= LONGEST_WINDOW:
        raise invalid(
            window,
            "maximumBatchingWindowInSeconds",
            f"have value less than or equal to {LONGEST_WINDOW}",
        )
    most = MOST_IN_A_FIFO_BATCH if fifo else MOST_IN_A_BATCH
    if not 0 < size <= most:
        raise invalid(size, "batchSize", f"have value less than or equal to {most}")
    if size > MOST_AT_ONCE and window == 0:
        raise RefusedError(
            "InvalidParameterValueException",
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            f"greater than {MOST_AT_ONCE}",
        )


def check_visibility(queue_arn: str, function: str) -> None:
    """A message must stay hidden at least as long as the function may work on it.

    As on AWS, only the mapping is checked, not a later change of the queue or function."""
    queue = sqs._queue_by_arn(queue_arn)
    # A name, or an ARN, with or without a version.
    name = function.rsplit("function:", 1)[-1].split(":", 1)[0]
    known = lambda_svc._functions.get(name)
    if queue is None or known is None:
        return
    visibility = int(queue["attributes"].get("VisibilityTimeout", 30))
    timeout = int(known["config"].get("Timeout", 3))
    if visibility < timeout:
        raise RefusedError(
            "InvalidParameterValueException",
            f"Queue visibility timeout: {visibility} seconds is less than Function timeout: "
            f"{timeout} seconds",
        )
