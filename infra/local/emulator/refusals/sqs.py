"""Limits of SQS: message attributes, sizes, visibility, names of queues, sources of dead-letter
queues.

Patches in `ministack.services.sqs`: `_HANDLERS` (CreateQueue, SetQueueAttributes, SendMessage,
SendMessageBatch, ReceiveMessage, ChangeMessageVisibility), `_act_send_message`, `_collect_msgs`
(the time of receipt is noted). Uses `_Err`, `_get_q`, `_queues`, `_queue_by_arn`,
`_INVALID_SQS_CHARS_RE`. CloudFormation: `AWS::SQS::Queue`.
"""

import base64
import json
import re
import time
from typing import Any, NoReturn

from ministack.services import sqs

import pinned
from refusals.guard import Check, RefusedError, behind, guard, guard_resource

JSON = dict[str, Any]

QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
MOST_ATTRIBUTES = 10
ATTRIBUTE_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,254}[A-Za-z0-9_-])?")
RESERVED_PREFIXES = ("aws.", "amazon.")
ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
# Size of one message, unless its queue has a lower limit, and of a batch: body and attributes.
MOST_BYTES = 1_048_576
# Of a message, counted from its receipt, regardless of changes.
MOST_INVISIBLE_SECONDS = 43_200
MOST_SOURCE_QUEUES = 10


def install() -> None:
    pinned.require(sqs, "_HANDLERS", "_Err", "_get_q", "_queues", "_queue_by_arn", "_collect_msgs")
    pinned.require(sqs, "_INVALID_SQS_CHARS_RE")
    note_receipts()
    guard_action("CreateQueue", check_new_queue)
    guard_action("SetQueueAttributes", check_attributes_of_queue)
    guard_action("SendMessage", check_message)
    # The messages of a batch and of a redrive bypass the handlers.
    guard(sqs, "_act_send_message", check_message, refuse)
    guard_action("SendMessageBatch", check_batch)
    guard_action("ReceiveMessage", check_receive)
    guard_action("ChangeMessageVisibility", check_visibility)
    guard_resource("AWS::SQS::Queue", check_queue_of_template)


def guard_action(action: str, check: Check) -> None:
    sqs._HANDLERS[action] = behind(check, sqs._HANDLERS[action], refuse)


def refuse(refusal: RefusedError) -> NoReturn:
    raise sqs._Err(refusal.code, refusal.message)


def invalid_value(message: str) -> RefusedError:
    return RefusedError("InvalidParameterValue", message)


# ── Queues ───────────────────────────────────────────────────────────────────────────────────────


def check_new_queue(request: JSON, _queue_url: str) -> None:
    name = request.get("QueueName") or ""
    check_queue_name(name)
    check_redrive(request.get("Attributes") or {}, name)


def check_attributes_of_queue(request: JSON, queue_url: str) -> None:
    queue = sqs._get_q(request.get("QueueUrl", queue_url))
    check_redrive(request.get("Attributes") or {}, queue["name"])


def check_queue_of_template(properties: JSON, physical_id: str | None) -> None:
    existing = sqs._queues.get(physical_id) or {}
    name = properties.get("QueueName")
    if name is not None:
        check_queue_name(name)
    # A name that CloudFormation generates is on no list of source queues.
    check_redrive(properties, name or existing.get("name") or "")


def check_queue_name(name: str) -> None:
    # ministack itself refuses a missing name.
    if name and not QUEUE_NAME.fullmatch(name):
        raise invalid_value(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def check_redrive(attributes: JSON, queue_name: str) -> None:
    """Checks that the dead-letter queue accepts this queue as a source, and that the queue's own
    policy about sources is valid."""
    if attributes.get("RedriveAllowPolicy"):
        check_redrive_allow_policy(attributes["RedriveAllowPolicy"])
    policy = as_object(attributes.get("RedrivePolicy"))
    target = sqs._queue_by_arn(str(policy.get("deadLetterTargetArn", "")))
    if target is not None and not takes_dead_letters_of(target, queue_name):
        raise invalid_policy(
            "RedrivePolicy",
            policy,
            "The dead-letter queue's RedriveAllowPolicy does not allow this source queue.",
        )


def check_redrive_allow_policy(given: Any) -> None:
    policy = as_object(given)
    permission, sources = permission_of(policy), policy.get("sourceQueueArns") or []
    if not policy or permission not in ("allowAll", "denyAll", "byQueue"):
        reason = "redrivePermission must be allowAll, denyAll or byQueue."
    elif (permission == "byQueue") != bool(sources):
        reason = "sourceQueueArns goes with byQueue, and with nothing else."
    elif len(sources) > MOST_SOURCE_QUEUES:
        reason = f"More than {MOST_SOURCE_QUEUES} sourceQueueArns."
    else:
        return
    raise invalid_policy("RedriveAllowPolicy", given, reason)


def invalid_policy(parameter: str, policy: Any, reason: str) -> RefusedError:
    value = policy if isinstance(policy, str) else json.dumps(policy)
    return invalid_value(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def permission_of(policy: JSON) -> str:
    return policy.get("redrivePermission", "allowAll")


def takes_dead_letters_of(dead_letter_queue: JSON, queue_name: str) -> bool:
    policy = as_object(dead_letter_queue["attributes"].get("RedriveAllowPolicy"))
    permission = permission_of(policy)
    if permission == "byQueue":
        # ARNs of queues in one account and region differ only in the name.
        prefix = dead_letter_queue["attributes"]["QueueArn"].rsplit(":", 1)[0]
        return f"{prefix}:{queue_name}" in policy.get("sourceQueueArns", [])
    return permission == "allowAll"


def as_object(policy: Any) -> JSON:
    """A policy, which is a text in requests and an object in templates; empty otherwise."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy or "{}")
        except ValueError:
            return {}
    return policy if isinstance(policy, dict) else {}


# ── Messages ─────────────────────────────────────────────────────────────────────────────────────


def check_message(request: JSON, queue_url: str) -> None:
    attributes = request.get("MessageAttributes") or {}
    if len(attributes) > MOST_ATTRIBUTES:
        raise invalid_value(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{MOST_ATTRIBUTES}]."
        )
    for name, attribute in attributes.items():
        check_attribute_name(name)
        check_attribute_value(name, attribute)
    queue = sqs._get_q(request.get("QueueUrl", queue_url))
    limit = int(queue["attributes"].get("MaximumMessageSize", MOST_BYTES))
    if size_of(request) > limit:
        raise invalid_value(
            "One or more parameters are invalid. "
            f"Reason: Message must be shorter than {limit} bytes."
        )


def check_batch(request: JSON, _queue_url: str) -> None:
    """A batch that is too large fails as a whole; other errors fail single entries."""
    size = sum(size_of(entry) for entry in request.get("Entries") or [])
    if size > MOST_BYTES:
        raise RefusedError(
            "BatchRequestTooLong",
            f"Batch requests cannot be longer than {MOST_BYTES} bytes. You have sent {size} bytes.",
        )


def check_attribute_name(name: str) -> None:
    if name.lower().startswith(RESERVED_PREFIXES):
        raise invalid_value(
            f"Message (user) attribute name '{name}' is reserved: it must not begin with "
            "'AWS.' or 'Amazon.'."
        )
    if not ATTRIBUTE_NAME.fullmatch(name):
        raise invalid_value(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, "
            "0-9, underscore (_), hyphen (-), and period (.) characters."
        )


def check_attribute_value(name: str, attribute: JSON) -> None:
    kind = ATTRIBUTE_TYPE.fullmatch(attribute.get("DataType") or "")
    if kind is None:
        raise invalid_value(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    value = attribute.get("BinaryValue" if kind[1] == "Binary" else "StringValue")
    if not value:
        raise invalid_value(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind[1]}'."
        )
    if kind[1] == "Number":
        try:
            float(value)
        except ValueError:
            raise invalid_value(
                f"Can't cast the value of message (user) attribute '{name}' to a number."
            ) from None
    if kind[1] == "String" and sqs._INVALID_SQS_CHARS_RE.search(value):
        raise invalid_value(
            f"Message (user) attribute '{name}' contains characters outside the allowed set."
        )


def size_of(message: JSON) -> int:
    """Bytes that count towards the limits: body and each attribute's name, type and value."""
    texts = [message.get("MessageBody") or ""]
    binary = 0
    for name, attribute in (message.get("MessageAttributes") or {}).items():
        texts += [name, attribute.get("DataType") or "", attribute.get("StringValue") or ""]
        binary += len(base64.b64decode(attribute.get("BinaryValue") or ""))
    return binary + sum(len(text.encode()) for text in texts)


# ── Visibility ───────────────────────────────────────────────────────────────────────────────────


def check_receive(request: JSON, _queue_url: str) -> None:
    if request.get("VisibilityTimeout") is not None:
        check_range(int(request["VisibilityTimeout"]))


def check_visibility(request: JSON, queue_url: str) -> None:
    seconds = int(request.get("VisibilityTimeout", 0))
    check_range(seconds)
    queue = sqs._get_q(request.get("QueueUrl", queue_url))
    receipt = request.get("ReceiptHandle")
    received = (m for m in list(queue["messages"]) if m.get("receipt_handle") == receipt)
    now = time.time()
    for message in received:
        if now - message.get("received_at", now) + seconds > MOST_INVISIBLE_SECONDS:
            raise visibility_refusal(
                seconds,
                "Total VisibilityTimeout for the message is beyond the limit "
                f"[{MOST_INVISIBLE_SECONDS} seconds]",
            )


def check_range(seconds: int) -> None:
    if not 0 <= seconds <= MOST_INVISIBLE_SECONDS:
        raise visibility_refusal(
            seconds, f"Must be between 0 and {MOST_INVISIBLE_SECONDS}, if provided."
        )


def visibility_refusal(seconds: int, reason: str) -> RefusedError:
    return invalid_value(
        f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: {reason}"
    )


def note_receipts() -> None:
    """Records when a message was last received, which ministack does not."""
    collect = sqs._collect_msgs

    def collect_and_note(queue: JSON, most: int, visibility: int) -> list[JSON]:
        messages = collect(queue, most, visibility)
        for message in messages:
            message["received_at"] = time.time()
        return messages

    sqs._collect_msgs = collect_and_note
