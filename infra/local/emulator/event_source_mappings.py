"""How Lambda reads a queue, where ministack reads it differently.

- MaximumBatchingWindowInSeconds: a batch is handed over when it is full or when its first message
  has waited that long. ministack hands over at once. A batch holds at most ten messages here,
  whatever BatchSize says.
- A partial batch response that names no message, names one outside the batch, or is malformed
  fails the whole batch. ministack takes it for success and deletes the messages.
- The function's role needs the rights to receive, to delete and to read the queue's attributes,
  which ministack does not check. A mapping without them polls nothing (AWS refuses to create it).
- A message that arrives while another is deleted or moved to the dead-letter queue is never lost.
  ministack replaces the queue's list by a copy, which drops messages appended in between.

Patches in `ministack.services.sqs`: `_receive_messages_for_esm`, `_delete_messages_for_esm`,
`_dlq_sweep`; in `ministack.services.lambda_svc`: `_run_sqs_batch`. Uses `_esms`,
`_execute_function`, `_get_func_record_for_qualifier`, `_esm_backoff_until`, `_ESM_BACKOFF_SECONDS`
there and `_queues_lock`, `_get_q` of `sqs`.
"""

import json
import logging
import time
from typing import Any

from ministack.services import lambda_svc, sqs

import pinned
import rights

JSON = dict[str, Any]
READER_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

logger = logging.getLogger("emulator.event_source_mappings")
# Times at which the oldest message of the next batch was first seen, by queue ARN.
_gathering_since: dict[str, float] = {}
# The id of each queue's mapping, by queue ARN, as last found.
_mapping_ids: dict[str, str] = {}
# Times until which a mapping's rights need not be checked again, by its id. Polling is frequent.
_allowed_until: dict[str, float] = {}
ALLOWED_SECONDS = 5.0
# Mappings whose missing rights were reported.
_refused: set[str] = set()


def install() -> None:
    pinned.require(
        sqs,
        *("_receive_messages_for_esm", "_delete_messages_for_esm", "_dlq_sweep"),
        *("_queues_lock", "_get_q"),
    )
    pinned.require(
        lambda_svc,
        *("_run_sqs_batch", "_esms", "_execute_function", "_get_func_record_for_qualifier"),
        *("_esm_backoff_until", "_ESM_BACKOFF_SECONDS"),
    )
    rights.install()
    sweep = sqs._dlq_sweep
    receive = sqs._receive_messages_for_esm

    def sweep_if_needed(queue: JSON) -> None:
        if has_dead_letters(queue):
            sweep(queue)

    def receive_batch(queue_url: str, size: int) -> list[JSON]:
        return receive(queue_url, size) if ready(queue_url, size) else []

    sqs._dlq_sweep = sweep_if_needed
    sqs._receive_messages_for_esm = receive_batch
    sqs._delete_messages_for_esm = delete_messages
    lambda_svc._run_sqs_batch = run_batch


def ready(queue_url: str, size: int) -> bool:
    """Whether the mapping of this queue may take a batch now."""
    queue = sqs._get_q(queue_url)
    arn = queue["attributes"]["QueueArn"]
    mapping = mapping_of(arn)
    if mapping is None or not may_read(mapping, arn):
        return False
    window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    if window == 0:
        return True
    now = time.time()
    visible = sum(message["visible_at"] <= now for message in list(queue["messages"]))
    if visible == 0:
        _gathering_since.pop(arn, None)
        # There is no batch, but dead messages still have to move to the dead-letter queue.
        return True
    if visible < min(size, 10) and now - _gathering_since.setdefault(arn, now) < window:
        return False
    _gathering_since.pop(arn, None)
    return True


def mapping_of(queue_arn: str) -> JSON | None:
    """The mapping that reads a queue. Polling is frequent, and looking through all of them slow."""
    mapping = lambda_svc._esms.get(_mapping_ids.get(queue_arn, ""))
    if mapping is None or mapping["EventSourceArn"] != queue_arn:
        mappings = lambda_svc._esms.values()
        mapping = next((each for each in mappings if each["EventSourceArn"] == queue_arn), None)
        if mapping is not None:
            _mapping_ids[queue_arn] = mapping["UUID"]
    return mapping


def may_read(mapping: JSON, queue_arn: str) -> bool:
    """Whether the role of the mapping's function may read the queue. A refusal is logged once."""
    if time.time() < _allowed_until.get(mapping["UUID"], 0.0):
        return True
    _, config = lambda_svc._get_func_record_for_qualifier(
        mapping["FunctionName"], mapping.get("Qualifier")
    )
    role = (config or {}).get("Role", "")
    missing = [
        action for action in READER_ACTIONS if not rights.role_allows(role, action, queue_arn)
    ]
    if not missing:
        _allowed_until[mapping["UUID"]] = time.time() + ALLOWED_SECONDS
    elif mapping["UUID"] not in _refused:
        _refused.add(mapping["UUID"])
        logger.warning(
            "%s polls nothing: its role %s lacks %s on %s",
            mapping["FunctionName"],
            role,
            ", ".join(missing),
            queue_arn,
        )
    return not missing


def has_dead_letters(queue: JSON) -> bool:
    policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
    limit = int(policy.get("maxReceiveCount") or 0)
    now = time.time()
    return limit > 0 and any(
        message["receive_count"] >= limit and message["visible_at"] <= now
        for message in list(queue["messages"])
    )


def delete_messages(queue_url: str, receipts: set[str]) -> None:
    with sqs._queues_lock:
        messages = sqs._get_q(queue_url)["messages"]
        for message in list(messages):
            if message.get("receipt_handle") in receipts:
                messages.remove(message)


def run_batch(
    mapping: JSON, function: JSON, event: JSON, batch: list[JSON], queue_url: str, queue_name: str
) -> None:
    """Invokes the function with a batch and deletes the messages that did not fail."""
    result = lambda_svc._execute_function(function, event)
    partial = "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
    failed = failed_ids(result, {message["id"] for message in batch}, partial)
    done = {message["receipt_handle"] for message in batch if message["id"] not in failed}
    if done:
        delete_messages(queue_url, done)
    if result.get("error"):
        # ministack's backoff keeps a function that cannot start from being started in a loop.
        until = time.time() + lambda_svc._ESM_BACKOFF_SECONDS
        lambda_svc._esm_backoff_until[mapping["UUID"]] = until
    else:
        lambda_svc._esm_backoff_until.pop(mapping["UUID"], None)
    mapping["LastProcessingResult"] = "FAILED" if result.get("error") else "OK"
    logger.info(
        "%s took %d messages of %s, %d of them failed",
        mapping["FunctionName"],
        len(batch),
        queue_name,
        len(failed),
    )


def failed_ids(result: JSON, batch_ids: set[str], partial: bool) -> set[str]:
    """The messages that stay in the queue after an invocation with this result."""
    if result.get("error"):
        return batch_ids
    body = result.get("body")
    if not partial or body in (None, "", {}, "null"):
        return set()
    try:
        answer = json.loads(body) if isinstance(body, str | bytes) else body
        failures = answer.get("batchItemFailures") or []
        reported = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, TypeError, KeyError, AttributeError):
        return batch_ids
    return reported if reported <= batch_ids else batch_ids
