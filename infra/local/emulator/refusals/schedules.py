"""Limits of schedules and rules: their names, expressions and time zones.

Patches in `ministack.services.scheduler`: `_create_schedule`, `_update_schedule`,
`_create_schedule_group`; in `ministack.services.eventbridge`: `_put_rule`. Uses `_error` and
`_schedule_groups` of `scheduler`, `_event_pattern_error` of `eventbridge`. CloudFormation:
`AWS::Scheduler::Schedule`, `AWS::Scheduler::ScheduleGroup`, `AWS::Events::Rule`.
"""

import json
import re
import zoneinfo
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge, scheduler

import pinned
from refusals import schedule_expressions
from refusals.guard import RefusedError, guard, guard_resource, invalid

JSON = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

LONGEST_NAME = 64
NAME = re.compile(r"[0-9A-Za-z_.-]+")


def install() -> None:
    pinned.require(scheduler, "_error", "_schedule_groups")
    pinned.require(eventbridge, "_event_pattern_error")
    guard(scheduler, "_create_schedule", check_schedule, refuse_schedule)
    guard(scheduler, "_update_schedule", check_schedule, refuse_schedule)
    guard(scheduler, "_create_schedule_group", check_group, refuse_schedule)
    guard(eventbridge, "_put_rule", check_rule, refuse_rule)
    guard_resource("AWS::Scheduler::Schedule", check_schedule_of_template)
    guard_resource("AWS::Scheduler::ScheduleGroup", check_group_of_template)
    guard_resource("AWS::Events::Rule", check_rule_of_template)


def refuse_schedule(refusal: RefusedError) -> Response:
    return scheduler._error(400, refusal.code, refusal.message)


def refuse_rule(refusal: RefusedError) -> Response:
    return error_response_json(refusal.code, refusal.message, 400)


def check_schedule(name: str, request: JSON) -> None:
    check_name(name)
    expression = request.get("ScheduleExpression")
    if expression and not schedule_expressions.scheduler_takes(expression):
        raise RefusedError("ValidationException", f"Invalid Schedule Expression {expression}.")
    zone = request.get("ScheduleExpressionTimezone")
    if zone and zone not in zoneinfo.available_timezones():
        raise RefusedError("ValidationException", f"Invalid Schedule Expression Timezone {zone}.")


def check_schedule_of_template(properties: JSON, _physical_id: str | None) -> None:
    check_schedule(properties.get("Name") or "made-up", properties)
    group = properties.get("GroupName", "default")
    # CloudFormation ignores the response of ministack's Scheduler.
    if group != "default" and group not in scheduler._schedule_groups:
        raise RefusedError("ResourceNotFoundException", f"Schedule group {group} does not exist.")


def check_group(name: str, _request: JSON) -> None:
    check_name(name)


def check_group_of_template(properties: JSON, _physical_id: str | None) -> None:
    check_name(properties.get("Name") or "made-up")


def check_rule(request: JSON) -> None:
    check_name(request.get("Name") or "made-up")
    expression = request.get("ScheduleExpression")
    if expression and not schedule_expressions.rule_takes(expression):
        raise RefusedError("ValidationException", "Parameter ScheduleExpression is not valid.")


def check_rule_of_template(properties: JSON, _physical_id: str | None) -> None:
    check_rule(properties)
    # PutRule checks the pattern itself.
    pattern = properties.get("EventPattern")
    problem = eventbridge._event_pattern_error(json.dumps(pattern)) if pattern else None
    if problem:
        raise RefusedError(
            "InvalidEventPatternException", f"Event pattern is not valid. Reason: {problem}"
        )


def check_name(name: str) -> None:
    if len(name) > LONGEST_NAME:
        raise invalid(name, "name", f"have length less than or equal to {LONGEST_NAME}")
    if not NAME.fullmatch(name):
        raise invalid(name, "name", "satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$")
