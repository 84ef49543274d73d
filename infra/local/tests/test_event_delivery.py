import datetime
import json
from typing import Any

from conftest import QueueWithDeadLetters, Roles
from emulator_process import Emulator, eventually
from template_part import template_part

LONG_AGO = "at(2020-01-01T00:00:00)"


def fire_rule(emulator: Emulator, name: str, queue: QueueWithDeadLetters) -> None:
    events = emulator.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    target = {"Id": "1", "Arn": queue.arn, "DeadLetterConfig": {"Arn": queue.dlq_arn}}
    events.put_targets(Rule=name, Targets=[target])
    events.put_events(Entries=[{"Source": name, "DetailType": "test", "Detail": '{"n": 1}'}])


def schedule(
    emulator: Emulator,
    name: str,
    queue: QueueWithDeadLetters,
    role_arn: str,
    message: str = '{"index": "IBOV"}',
) -> None:
    scheduler = emulator.client("scheduler")
    scheduler.create_schedule_group(Name=name)
    scheduler.create_schedule(
        Name=name,
        GroupName=name,
        ScheduleExpression=LONG_AGO,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": queue.arn,
            "RoleArn": role_arn,
            "Input": message,
            "DeadLetterConfig": {"Arn": queue.dlq_arn},
        },
    )


def only_body(messages: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(messages) == 1
    return json.loads(messages[0]["Body"])


def test_a_rule_delivers_to_a_queue_whose_policy_lets_it(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters
) -> None:
    queue.allow("events")
    fire_rule(emulator, name, queue)
    assert only_body(queue.receive())["detail"] == {"n": 1}


def test_an_event_that_a_queue_refuses_goes_to_the_targets_dead_letter_queue(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters
) -> None:
    queue.allow("events", queue.dlq_url)
    fire_rule(emulator, name, queue)
    messages = queue.receive(queue.dlq_url)
    assert only_body(messages)["detail"] == {"n": 1}
    code = messages[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"]
    assert code == "NO_PERMISSIONS"
    assert of_rule(emulator, name, "InvocationsSentToDlq") == 1
    assert of_rule(emulator, name, "InvocationsFailedToBeSentToDlq") == 0
    assert queue.receive(seconds=0) == []


def of_rule(emulator: Emulator, name: str, metric: str) -> float:
    return counted(emulator, "AWS/Events", metric, "RuleName", name)


def of_group(emulator: Emulator, name: str, metric: str) -> float:
    return counted(emulator, "AWS/Scheduler", metric, "ScheduleGroup", name)


def counted(emulator: Emulator, namespace: str, metric: str, dimension: str, value: str) -> float:
    now = datetime.datetime.now(datetime.UTC)
    points = emulator.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": dimension, "Value": value}],
        StartTime=now - datetime.timedelta(minutes=5),
        EndTime=now + datetime.timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_an_event_that_both_queues_refuse_is_lost_and_counted(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters
) -> None:
    fire_rule(emulator, name, queue)
    assert of_rule(emulator, name, "InvocationsFailedToBeSentToDlq") == 1
    assert queue.receive(seconds=0) == []
    assert queue.receive(queue.dlq_url, seconds=0) == []


def test_a_schedule_delivers_with_the_rights_of_its_role(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters, role: Roles
) -> None:
    sender = role.allowing("scheduler", ("sqs:SendMessage", queue.arn))
    schedule(emulator, name, queue, sender)
    messages = eventually(lambda: queue.receive(seconds=1), "the schedule fires", 25)
    assert only_body(messages) == {"index": "IBOV"}


def test_a_schedule_puts_its_time_into_its_message(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters, role: Roles
) -> None:
    check = template_part("SessionCheck")["Resources"]["SessionCheck"]["Properties"]["Target"]
    sender = role.allowing("scheduler", ("sqs:SendMessage", queue.arn))
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    schedule(emulator, name, queue, sender, check["Input"])
    messages = eventually(lambda: queue.receive(seconds=1), "the schedule fires", 25)
    fired_at = datetime.datetime.fromisoformat(only_body(messages)["session_check"])
    assert before <= fired_at <= datetime.datetime.now(datetime.UTC)


def test_what_a_schedules_role_may_not_send_goes_to_its_dead_letter_queue(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters, role: Roles
) -> None:
    sender = role.allowing("scheduler", ("sqs:SendMessage", queue.dlq_arn))
    schedule(emulator, name, queue, sender)
    messages = eventually(lambda: queue.receive(queue.dlq_url, seconds=1), "it fires", 25)
    assert only_body(messages) == {"index": "IBOV"}
    assert of_group(emulator, name, "InvocationDroppedCount") == 1
    assert of_group(emulator, name, "InvocationsSentToDeadLetterCount") == 1
    assert of_group(emulator, name, "InvocationsFailedToBeSentToDeadLetterCount") == 0


def test_what_a_schedules_role_may_send_nowhere_is_lost_and_counted(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters, role: Roles
) -> None:
    elsewhere = role.allowing("scheduler", ("sqs:SendMessage", f"{queue.arn}-of-somebody-else"))
    schedule(emulator, name, queue, elsewhere)
    lost = "InvocationsFailedToBeSentToDeadLetterCount"
    eventually(lambda: of_group(emulator, name, lost) == 1, "the loss is counted", 25)
    assert of_group(emulator, name, "InvocationDroppedCount") == 1
    assert queue.receive(queue.dlq_url, seconds=0) == []
