from typing import Any

import pytest

from conftest import QueueWithDeadLetters, Roles
from emulator_process import Emulator
from refused import refused
from stacks import StackFailedError, deploy

JSON = dict[str, Any]

TAKEN = [
    "cron(0 10 ? * MON-FRI *)",
    "cron(0,30 8-18/2 1 JAN,7 ? 2026-2030)",
    "cron(*/15 0/6 L * ? *)",
    "cron(0 9 LW 1/3 ? *)",
    "cron(0 9 15W * ? *)",
    "cron(0 9 ? * 6#3 *)",
    "cron(0 9 ? * FRIL *)",
    "cron(59 23 31 12 ? 2199)",
    "rate(1 minute)",
    "rate(15 minutes)",
    "rate(7 days)",
]
REFUSED = [
    "cron(bad)",
    "cron(0 10 * * *)",
    "cron(0 10 ? * MON-FRI * *)",
    "cron(0 10 * * MON-FRI *)",
    "cron(0 10 ? * ? *)",
    "cron(60 10 ? * MON-FRI *)",
    "cron(0 24 ? * MON-FRI *)",
    "cron(0 10 0 * ? *)",
    "cron(0 10 32 * ? *)",
    "cron(0 10 ? 13 MON *)",
    "cron(0 10 ? * MONDAY *)",
    "cron(0 10 ? * 0 *)",
    "cron(0 10 ? * 8 *)",
    "cron(0 10 ? * MON#6 *)",
    "cron(0 10 ? * MON 1969)",
    "cron(*/60 * ? * MON *)",
    "cron(0/0 * ? * MON *)",
    "cron(-5 10 ? * MON *)",
    "rate(0 minutes)",
    "rate(-1 minutes)",
    "rate(1.5 hours)",
    "rate(15 seconds)",
    "rate(15minutes)",
    "rate(minutes)",
    "0 10 ? * MON-FRI *",
    "every day",
]
LONGEST = 64


@pytest.fixture
def scheduled(queue: QueueWithDeadLetters, role: Roles) -> JSON:
    """The properties of a schedule besides name and expression."""
    return {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "DISABLED",
        "Target": {"Arn": queue.arn, "RoleArn": role.allowing("scheduler")},
    }


@pytest.mark.parametrize("expression", [*TAKEN, "at(2026-02-28T10:00:00)"])
def test_a_schedule_that_scheduler_takes(
    emulator: Emulator, name: str, scheduled: JSON, expression: str
) -> None:
    scheduler = emulator.client("scheduler")
    scheduler.create_schedule(Name=name, ScheduleExpression=expression, **scheduled)
    scheduler.update_schedule(Name=name, ScheduleExpression=expression, **scheduled)


@pytest.mark.parametrize("expression", [*REFUSED, "at(2026-02-29T10:00:00)", "at(tomorrow)"])
def test_a_schedule_that_scheduler_refuses(
    emulator: Emulator, name: str, scheduled: JSON, expression: str
) -> None:
    scheduler = emulator.client("scheduler")
    with refused("ValidationException", "Invalid Schedule Expression"):
        scheduler.create_schedule(Name=name, ScheduleExpression=expression, **scheduled)
    scheduler.create_schedule(Name=name, ScheduleExpression="rate(1 day)", **scheduled)
    with refused("ValidationException", "Invalid Schedule Expression"):
        scheduler.update_schedule(Name=name, ScheduleExpression=expression, **scheduled)


def test_a_time_zone_that_does_not_exist_is_refused(
    emulator: Emulator, name: str, scheduled: JSON
) -> None:
    scheduler = emulator.client("scheduler")

    def create(zone: str) -> None:
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="rate(1 day)",
            ScheduleExpressionTimezone=zone,
            **scheduled,
        )

    with refused("ValidationException", "Timezone"):
        create("Atlantic/Cabo_Verde")
    create("Atlantic/Cape_Verde")


@pytest.mark.parametrize("expression", TAKEN)
def test_a_schedule_that_a_rule_takes(emulator: Emulator, name: str, expression: str) -> None:
    emulator.client("events").put_rule(Name=name, ScheduleExpression=expression, State="DISABLED")


@pytest.mark.parametrize(
    "expression", [*REFUSED, "rate(1 minutes)", "rate(2 minute)", "at(2026-02-28T10:00:00)"]
)
def test_a_schedule_that_a_rule_refuses(emulator: Emulator, name: str, expression: str) -> None:
    with refused("ValidationException", "ScheduleExpression is not valid"):
        emulator.client("events").put_rule(Name=name, ScheduleExpression=expression)


def test_names_of_schedules_groups_and_rules_have_at_most_64_characters(
    emulator: Emulator, name: str, scheduled: JSON
) -> None:
    scheduler, events = emulator.client("scheduler"), emulator.client("events")

    def make_all(name: str) -> list[Any]:
        return [
            lambda: scheduler.create_schedule(
                Name=name, ScheduleExpression="rate(1 day)", **scheduled
            ),
            lambda: scheduler.create_schedule_group(Name=name),
            lambda: events.put_rule(Name=name, EventPattern='{"source": ["test"]}'),
        ]

    longest = name.ljust(LONGEST, "n")
    for make in make_all(longest):
        make()
    for make in make_all(longest + "n"):
        with refused("ValidationException", "length less than or equal to 64"):
            make()


@pytest.mark.parametrize("bad", ["a b", "a/b", "ação"])
def test_a_rules_name_has_letters_digits_periods_hyphens_and_underscores(
    emulator: Emulator, bad: str
) -> None:
    with refused("ValidationException", "regular expression pattern"):
        emulator.client("events").put_rule(Name=bad, ScheduleExpression="rate(1 day)")


# ── In templates ─────────────────────────────────────────────────────────────────────────────────


def schedule(scheduled: JSON, **properties: Any) -> JSON:
    given = {"ScheduleExpression": "rate(1 day)"} | scheduled | properties
    return {"Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": given}}


def group(name: str) -> JSON:
    return {"Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": name}}}


def rule(**properties: Any) -> JSON:
    given = {"ScheduleExpression": "rate(1 day)", "State": "DISABLED"} | properties
    return {"Rule": {"Type": "AWS::Events::Rule", "Properties": given}}


@pytest.mark.parametrize("expression", ["cron(bad)", "cron(0 10 * * *)", "rate(0 minutes)"])
def test_a_stack_fails_with_a_schedule_that_aws_refuses(
    emulator: Emulator, name: str, scheduled: JSON, expression: str
) -> None:
    for kind, resources in {
        "schedule": schedule(scheduled, ScheduleExpression=expression),
        "rule": rule(ScheduleExpression=expression),
    }.items():
        with pytest.raises(StackFailedError, match="ValidationException"):
            deploy(emulator, f"{name}-{kind}", resources)


def test_a_stack_fails_with_a_name_that_aws_refuses(
    emulator: Emulator, name: str, scheduled: JSON
) -> None:
    def all_named(name: str) -> JSON:
        return {"a": schedule(scheduled, Name=name), "b": group(name), "c": rule(Name=name)}

    longest = name.ljust(LONGEST, "n")
    for kind, resources in all_named(longest).items():
        deploy(emulator, f"{name}-{kind}", resources)
    for kind, resources in all_named(longest + "n").items():
        with pytest.raises(StackFailedError, match="length less than or equal to 64"):
            deploy(emulator, f"{name}-{kind}-refused", resources)


def test_a_stack_can_change_its_schedule_but_not_to_a_refused_one(
    emulator: Emulator, name: str, scheduled: JSON
) -> None:
    def deploy_at(expression: str) -> None:
        deploy(emulator, name, schedule(scheduled, Name=name, ScheduleExpression=expression))

    deploy_at("rate(1 day)")
    deploy_at("cron(0 10 ? * MON-FRI *)")
    with pytest.raises(StackFailedError, match="Invalid Schedule Expression"):
        deploy_at("cron(bad)")
    kept = emulator.client("scheduler").get_schedule(Name=name)
    assert kept["ScheduleExpression"] == "cron(0 10 ? * MON-FRI *)"


def test_a_stacks_schedule_needs_its_group(emulator: Emulator, name: str, scheduled: JSON) -> None:
    with pytest.raises(StackFailedError, match=f"Schedule group {name} does not exist"):
        deploy(emulator, f"{name}-refused", schedule(scheduled, GroupName=name))
    in_group = schedule(scheduled, GroupName={"Ref": "Group"}, Name=name)
    deploy(emulator, name, group(name) | in_group)
    found = emulator.client("scheduler").get_schedule(GroupName=name, Name=name)
    assert found["GroupName"] == name


def test_a_stacks_rule_has_a_pattern_that_eventbridge_takes(emulator: Emulator, name: str) -> None:
    def watching(source: object) -> JSON:
        return {
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {"EventPattern": {"source": source}},
            }
        }

    deploy(emulator, name, watching(["aws.glue"]))
    with pytest.raises(StackFailedError, match="Event pattern is not valid"):
        deploy(emulator, f"{name}-refused", watching("aws.glue"))
