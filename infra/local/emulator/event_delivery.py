"""Rights for delivering events to a queue: a rule needs the queue's policy, a schedule its role.

ministack delivers without these rights and drops undeliverable events. AWS refuses, and sends a
refused event with its cause to the target's dead-letter queue (with the same rights), or loses it
without a trace. So does this module. It leaves AWS's retries out: waiting mends neither a missing
right nor a missing queue. Undeliverable events are counted, those of rules in AWS/Events, those of
schedules in AWS/Scheduler by group. Schedules are evaluated every second instead of every ten.
`<aws.scheduler.scheduled-time>` in a schedule's input becomes the time at which it fires.

Patches in `ministack.services.eventbridge`: `_invoke_target` (`ministack.services.scheduler` calls
it too); in `ministack.services.scheduler`: `_SCHEDULE_TICK_INTERVAL`. Uses `_dispatch_to_sqs`
there and `_queue_by_arn`, `_act_send_message` of `ministack.services.sqs`.
"""

import datetime
import logging
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import cloudwatch, eventbridge, scheduler, sqs

import pinned
import rights

JSON = dict[str, Any]
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
logger = logging.getLogger("emulator.event_delivery")


def install() -> None:
    pinned.require(eventbridge, "_invoke_target", "_dispatch_to_sqs")
    pinned.require(scheduler, "_SCHEDULE_TICK_INTERVAL")
    pinned.require(cloudwatch, "record_metric")
    rights.install()
    pinned.require(sqs, "_queue_by_arn", "_act_send_message")
    invoke = eventbridge._invoke_target

    def invoke_with_rights(target: JSON, event: JSON, source: JSON, view: Any = None) -> None:
        if ":scheduler:" in source.get("Arn", ""):
            target = with_time(target, event)
        problem = refusal(target.get("Arn", ""), target, source)
        if problem is None:
            invoke(target, event, source, view)
        else:
            dead_letter(problem, target, event, source, view, invoke)

    eventbridge._invoke_target = invoke_with_rights
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def with_time(target: JSON, event: JSON) -> JSON:
    """The target of a schedule with the time of `event` in its input."""
    fired_at = datetime.datetime.fromtimestamp(event["Time"], datetime.UTC)
    text = fired_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return target | {"Input": target.get("Input", "").replace(SCHEDULED_TIME, text)}


def refusal(queue_arn: str, target: JSON, source: JSON) -> tuple[str, str] | None:
    """Why the rule or schedule `source` may not send to this queue: AWS's code and a sentence."""
    if not queue_arn.startswith("arn:aws:sqs:"):
        return None
    if sqs._queue_by_arn(queue_arn) is None:
        return "RESOURCE_NOT_FOUND", f"{queue_arn} does not exist"
    source_arn = source.get("Arn", "")
    if ":scheduler:" in source_arn:
        role = target.get("RoleArn", "")
        if not rights.role_allows(role, "sqs:SendMessage", queue_arn):
            return "NO_PERMISSIONS", f"{role or 'no role'} may not sqs:SendMessage to {queue_arn}"
    elif not rights.queue_lets("events.amazonaws.com", queue_arn, source_arn):
        return "NO_PERMISSIONS", f"the policy of {queue_arn} does not let {source_arn} send"
    return None


def dead_letter(
    problem: tuple[str, str], target: JSON, event: JSON, source: JSON, view: Any, invoke: Any
) -> None:
    """Sends the event to the target's dead-letter queue."""
    code, message = problem
    source_arn = source.get("Arn", "")
    arn = (target.get("DeadLetterConfig") or {}).get("Arn", "")
    delivered = bool(arn) and refusal(arn, target, source) is None
    count(source, with_dead_letters=bool(arn), delivered=delivered)
    if not delivered:
        logger.warning("event of %s is lost: %s (%s)", source_arn, message, code)
        return
    logger.warning("event of %s goes to %s: %s (%s)", source_arn, arn, message, code)
    # Delivered like any event and then marked, because only the delivery makes the event's final
    # text.
    invoke(target | {"Arn": arn}, event, source, view)
    queue = sqs._queue_by_arn(arn)
    queue["messages"][-1]["message_attributes"] = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in {
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message,
            "RULE_ARN": source_arn,
            "TARGET_ARN": str(parse_arn(target["Arn"])),
        }.items()
    }


def count(source: JSON, *, with_dead_letters: bool, delivered: bool) -> None:
    """Counts an undelivered event as AWS does: by whether there was a dead-letter queue, and
    whether the event got there."""
    if ":rule/" in source.get("Arn", ""):
        namespace, dimensions = "AWS/Events", {"RuleName": source["Arn"].rsplit("/", 1)[-1]}
        sent, lost = "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"
        metrics = ["FailedInvocations"]
    else:
        namespace, dimensions = "AWS/Scheduler", {"ScheduleGroup": source["GroupName"]}
        sent, lost = (
            "InvocationsSentToDeadLetterCount",
            "InvocationsFailedToBeSentToDeadLetterCount",
        )
        metrics = ["InvocationDroppedCount"]
    if with_dead_letters:
        metrics.append(sent if delivered else lost)
    for metric in metrics:
        cloudwatch.record_metric(namespace, metric, 1, "Count", dimensions)
