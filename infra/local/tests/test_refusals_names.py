from typing import Any

import pytest

from emulator_process import Emulator
from stacks import StackFailedError, deploy

JSON = dict[str, Any]


def alarm(name: str) -> JSON:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": "AWS/SQS",
            "MetricName": "NumberOfMessagesSent",
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 1,
        },
    }


def bucket(name: str) -> JSON:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}


def function(name: str) -> JSON:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/none",
            "Code": {"ZipFile": "def handler(event, context): pass"},
        },
    }


def log_group(name: str) -> JSON:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}


def topic(name: str) -> JSON:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


LONGEST = {alarm: 255, bucket: 63, function: 64, log_group: 512, topic: 256}


@pytest.mark.parametrize("make", LONGEST)
def test_a_stack_fails_with_a_name_that_is_too_long(
    emulator: Emulator, name: str, make: Any
) -> None:
    longest = name.ljust(LONGEST[make], "n")
    deploy(emulator, name, {"Named": make(longest)})
    with pytest.raises(StackFailedError, match="is not valid"):
        deploy(emulator, f"{name}-refused", {"Named": make(longest + "n")})


@pytest.mark.parametrize(
    ("make", "bad"), [(bucket, "Lake"), (bucket, "-lake"), (function, "a b"), (topic, "a.b")]
)
def test_a_stack_fails_with_a_name_of_other_letters(
    emulator: Emulator, name: str, make: Any, bad: str
) -> None:
    with pytest.raises(StackFailedError, match="is not valid"):
        deploy(emulator, name, {"Named": make(f"{bad}{name}")})
