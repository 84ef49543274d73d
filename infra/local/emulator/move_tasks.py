"""Redrive of a dead-letter queue, as SQS does it.

ministack has no StartMessageMoveTask, ListMessageMoveTasks and ListDeadLetterSourceQueues. Here a
task is done before the response to its start, so it is never RUNNING, cannot be cancelled and
ignores MaxNumberOfMessagesPerSecond. As on AWS, a redriven message is a new message (new id,
receive count from zero), only visible messages move, and a message that a function sent to the
queue itself has no source to go back to: without DestinationArn its task ends as FAILED.

Patches in `ministack.services.sqs`: `_HANDLERS` (three actions added), `reset`. Uses `_Err`,
`_act_send_message`, `_queue_by_arn`, `_queues`, `_queues_lock`, `_get_q`.
"""

import json
import time
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import sqs

import pinned

JSON = dict[str, Any]

# Tasks by the ARN of the dead-letter queue, newest first.
_tasks: dict[str, list[JSON]] = {}


def install() -> None:
    pinned.require(
        sqs,
        *("_HANDLERS", "_Err", "_act_send_message", "_queue_by_arn", "_queues", "_queues_lock"),
        *("_get_q", "reset"),
    )
    sqs._HANDLERS |= {
        "StartMessageMoveTask": start_message_move_task,
        "ListMessageMoveTasks": list_message_move_tasks,
        "ListDeadLetterSourceQueues": list_dead_letter_source_queues,
    }
    reset = sqs.reset

    def reset_with_tasks() -> None:
        reset()
        _tasks.clear()

    sqs.reset = reset_with_tasks


def start_message_move_task(request: JSON, _queue_url: str) -> JSON:
    source_arn = request.get("SourceArn", "")
    source = existing_queue(source_arn, "SourceArn")
    if not source_queues(source_arn):
        raise sqs._Err(
            "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
        )
    destination_arn = request.get("DestinationArn")
    if destination_arn:
        existing_queue(destination_arn, "DestinationArn")
    task: JSON = {
        "TaskHandle": new_uuid(),
        "Status": "RUNNING",
        "SourceArn": source_arn,
        "ApproximateNumberOfMessagesMoved": 0,
        "StartedTimestamp": int(time.time() * 1000),
    }
    if destination_arn:
        task["DestinationArn"] = destination_arn
    _tasks.setdefault(source_arn, []).insert(0, task)
    carry_out(task, source, destination_arn)
    return {"TaskHandle": task["TaskHandle"]}


def carry_out(task: JSON, source: JSON, destination_arn: str | None) -> None:
    """Moves every visible message of `source`, up to the first one without a destination."""
    now = time.time()
    with sqs._queues_lock:
        visible = [message for message in source["messages"] if message["visible_at"] <= now]
        task["ApproximateNumberOfMessagesToMove"] = len(visible)
        for message in visible:
            origin = (message.get("sys") or {}).get("DeadLetterQueueSourceArn", "")
            destination = sqs._queue_by_arn(destination_arn or origin)
            if destination is None:
                task |= {"Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource"}
                return
            sqs._act_send_message(
                {
                    "QueueUrl": destination["url"],
                    "MessageBody": message["body"],
                    "MessageAttributes": message.get("message_attributes") or {},
                },
                destination["url"],
            )
            source["messages"].remove(message)
            task["ApproximateNumberOfMessagesMoved"] += 1
    task["Status"] = "COMPLETED"


def list_message_move_tasks(request: JSON, _queue_url: str) -> JSON:
    source_arn = request.get("SourceArn", "")
    existing_queue(source_arn, "SourceArn")
    newest = _tasks.get(source_arn, [])[: int(request.get("MaxResults") or 1)]
    # SQS shows the handle only of a task that can still be cancelled.
    return {
        "Results": [
            {name: value for name, value in task.items() if name != "TaskHandle"} for task in newest
        ]
    }


def list_dead_letter_source_queues(request: JSON, queue_url: str) -> JSON:
    queue = sqs._get_q(request.get("QueueUrl", queue_url), "sqs:ListDeadLetterSourceQueues")
    return {
        "queueUrls": [source["url"] for source in source_queues(queue["attributes"]["QueueArn"])]
    }


def existing_queue(arn: str, parameter: str) -> JSON:
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err(
            "ResourceNotFoundException",
            f"The resource that you specified for the {parameter} parameter doesn't exist.",
        )
    return queue


def source_queues(dead_letter_arn: str) -> list[JSON]:
    """The queues whose redrive policy names `dead_letter_arn`."""
    sources = []
    for _, queue in sqs._queues.all_items():
        policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn") == dead_letter_arn:
            sources.append(queue)
    return sources
