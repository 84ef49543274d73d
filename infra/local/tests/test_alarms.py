import json
from typing import Any

import pytest

from conftest import Outbox, QueueWithDeadLetters, Roles
from emulator_process import Emulator, eventually
from template_part import described, template_part
from test_functions import Function, reader


@pytest.fixture
def alerts(emulator: Emulator, name: str, outbox: Outbox) -> str:
    sns = emulator.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=outbox.address)
    return topic


def deploy_alarm(emulator: Emulator, name: str, properties: dict[str, Any]) -> None:
    """Deploys an alarm through CloudFormation, as the project does."""
    cloudformation = emulator.client("cloudformation")
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": name, **properties}}
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Alarm": alarm}})
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


def depth(queue_name: str, metric: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": metric,
        "Dimensions": [{"Name": "QueueName", "Value": queue_name}],
    }


def state(emulator: Emulator, name: str) -> str:
    return emulator.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0][
        "StateValue"
    ]


def test_silence_is_noticed_where_ticks_stop_and_not_before_the_first_could_come(
    emulator: Emulator,
    name: str,
    alerts: str,
    outbox: Outbox,
    queue: QueueWithDeadLetters,
    role: Roles,
) -> None:
    alarm = template_part("SilenceAlarm")["Resources"]["SilenceAlarm"]["Properties"]
    # The template's own alarm, on this queue and with shorter periods.
    shortened = {
        "Dimensions": [{"Name": "QueueName", "Value": name}],
        "Period": 10,
        "EvaluationPeriods": 2,
        "AlarmDescription": described("SilenceAlarm", "en", name),
        "AlarmActions": [alerts],
        "OKActions": [alerts],
        "AlarmName": name,
    }
    deploy_alarm(emulator, name, alarm | shortened)
    eventually(lambda: state(emulator, name) == "OK", "nobody has polled yet", 15)
    Function(emulator, name, role.allowing("lambda", *reader(queue)), queue.arn)
    eventually(lambda: state(emulator, name) == "ALARM", "nothing came for two periods", 40)
    assert outbox.first()["subject"].startswith(f'ALARM: "{name}"')

    queue.sqs.send_message(QueueUrl=queue.url, MessageBody='{"tick": true}')
    eventually(lambda: state(emulator, name) == "OK", "a tick has come", 15)


def test_an_alarm_that_falls_back_mails_the_all_clear_and_one_that_was_never_on_does_not(
    emulator: Emulator, name: str, alerts: str, outbox: Outbox, queue: QueueWithDeadLetters
) -> None:
    alarm = template_part("FetchDlqDepthAlarm")["Resources"]["FetchDlqDepthAlarm"]["Properties"]
    # The template's own alarm, on this queue and with a shorter period.
    changed = {
        "AlarmName": name,
        "AlarmDescription": described("FetchDlqDepthAlarm", "pt", "ibov"),
        "Dimensions": [{"Name": "QueueName", "Value": f"{name}-dlq"}],
        "Period": 10,
        "AlarmActions": [alerts],
        "OKActions": [alerts],
    }
    deploy_alarm(emulator, name, alarm | changed)
    eventually(lambda: state(emulator, name) == "OK", "the alarm is OK", 15)
    assert outbox.mails() == []

    queue.sqs.send_message(QueueUrl=queue.dlq_url, MessageBody="parked")
    mail = outbox.first()
    assert mail["subject"] == f'ALARM: "{name}" in us-east-1'
    description = json.loads(mail["message"])["AlarmDescription"]
    assert "Até a correção pode faltar um pregão" in description
    assert "ibov parked fetch --stack ibov --region us-east-1" in description.splitlines()[1]

    queue.sqs.purge_queue(QueueUrl=queue.dlq_url)
    eventually(lambda: len(outbox.mails()) == 2, "the all-clear", 30)
    assert outbox.mails()[1]["subject"] == f'OK: "{name}" in us-east-1'


def test_visible_and_in_flight_messages_of_its_own_queue_set_off_an_alarm(
    emulator: Emulator, name: str, alerts: str, outbox: Outbox, queue: QueueWithDeadLetters
) -> None:
    def query(query_id: str, metric: str) -> dict[str, Any]:
        stat = {"Metric": depth(f"{name}-dlq", metric), "Period": 60, "Stat": "Maximum"}
        return {"Id": query_id, "MetricStat": stat, "ReturnData": False}

    deploy_alarm(
        emulator,
        name,
        {
            "Metrics": [
                query("visible", "ApproximateNumberOfMessagesVisible"),
                query("inflight", "ApproximateNumberOfMessagesNotVisible"),
                {"Id": "depth", "Expression": "visible + inflight", "ReturnData": True},
            ],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "EvaluationPeriods": 1,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [alerts],
        },
    )
    # A message in another queue must not affect this alarm.
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="elsewhere")
    eventually(lambda: state(emulator, name) == "OK", "the alarm is OK", 15)

    queue.sqs.send_message(QueueUrl=queue.dlq_url, MessageBody="parked")
    queue.sqs.receive_message(QueueUrl=queue.dlq_url, VisibilityTimeout=60)

    mail = outbox.first()
    assert mail["subject"].startswith(f'ALARM: "{name}"')
    assert json.loads(mail["message"])["NewStateValue"] == "ALARM"


def test_a_message_sent_to_a_queue_is_counted(
    emulator: Emulator, name: str, alerts: str, outbox: Outbox, queue: QueueWithDeadLetters
) -> None:
    deploy_alarm(
        emulator,
        name,
        {
            **depth(f"{name}-dlq", "NumberOfMessagesSent"),
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 2,
            "TreatMissingData": "notBreaching",
            "AlarmActions": [alerts],
        },
    )
    entries = [{"Id": str(number), "MessageBody": "parked"} for number in range(2)]
    queue.sqs.send_message_batch(QueueUrl=queue.dlq_url, Entries=entries)
    outbox.first()


def test_missing_data_is_treated_as_the_alarm_says(emulator: Emulator, name: str) -> None:
    metric = {"Namespace": "IBOV", "MetricName": name, "Statistic": "Sum", "Period": 60}
    common = {
        **metric,
        "EvaluationPeriods": 2,
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": 1,
    }
    cloudwatch = emulator.client("cloudwatch")
    for treatment in ("breaching", "notBreaching", "missing"):
        cloudwatch.put_metric_alarm(
            AlarmName=f"{name}-{treatment}", TreatMissingData=treatment, **common
        )
    eventually(lambda: state(emulator, f"{name}-breaching") == "ALARM", "silence is an alarm")
    assert state(emulator, f"{name}-notBreaching") == "OK"
    assert state(emulator, f"{name}-missing") == "INSUFFICIENT_DATA"


def test_metric_math_that_would_never_go_off_is_refused(emulator: Emulator, name: str) -> None:
    cloudformation = emulator.client("cloudformation")
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Metrics": [{"Id": "e", "Expression": "ANOMALY_DETECTION_BAND(m)"}],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "EvaluationPeriods": 1,
        },
    }
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Alarm": alarm}})
    )

    def reasons() -> list[str]:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return [
            event["ResourceStatusReason"]
            for event in events
            if "metric math" in event.get("ResourceStatusReason", "")
        ]

    assert "ANOMALY_DETECTION_BAND" in eventually(reasons, "the deployment fails")[0]
