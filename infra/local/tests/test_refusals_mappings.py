import io
import zipfile
from typing import Any

import pytest

from conftest import QueueWithDeadLetters, Roles
from emulator_process import Emulator
from refused import refused
from stacks import StackFailedError, deploy

JSON = dict[str, Any]
TIMEOUT = 20
BATCH_OF_ELEVEN = "batch window in seconds must be greater than 0 if maximum batch size"
SHORT_VISIBILITY = r"visibility timeout: 19 seconds is less than Function timeout: 20 seconds"


def package() -> bytes:
    """A zip for functions that are never invoked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    return buffer.getvalue()


@pytest.fixture
def function(emulator: Emulator, name: str, role: Roles) -> str:
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role.allowing("lambda"),
        Code={"ZipFile": package()},
        Timeout=TIMEOUT,
    )
    return name


REFUSED = {
    "eleven at once": ({"BatchSize": 11}, BATCH_OF_ELEVEN),
    "eleven, window of 0": (
        {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 0},
        BATCH_OF_ELEVEN,
    ),
    "window of 301": ({"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
    "10,001 messages": (
        {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1},
        "less than or equal to 10000",
    ),
}
TAKEN = {
    "ten at once": {"BatchSize": 10},
    "eleven, window of 1": {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1},
    "10,000, window of 300": {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300},
}


def code_of(reason: str) -> str:
    return "InvalidParameterValueException" if reason == BATCH_OF_ELEVEN else "ValidationException"


@pytest.mark.parametrize("case", REFUSED)
def test_a_mapping_that_lambda_refuses(
    emulator: Emulator, function: str, queue: QueueWithDeadLetters, case: str
) -> None:
    settings, reason = REFUSED[case]
    functions = emulator.client("lambda")
    with refused(code_of(reason), reason):
        functions.create_event_source_mapping(
            FunctionName=function, EventSourceArn=queue.arn, **settings
        )
    mapping = functions.create_event_source_mapping(
        FunctionName=function, EventSourceArn=queue.arn, BatchSize=10
    )
    with refused(code_of(reason), reason):
        functions.update_event_source_mapping(UUID=mapping["UUID"], **settings)


@pytest.mark.parametrize("case", TAKEN)
def test_a_mapping_that_lambda_takes(
    emulator: Emulator, function: str, queue: QueueWithDeadLetters, case: str
) -> None:
    functions = emulator.client("lambda")
    mapping = functions.create_event_source_mapping(
        FunctionName=function, EventSourceArn=queue.arn, **TAKEN[case]
    )
    assert mapping["BatchSize"] == TAKEN[case]["BatchSize"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], **TAKEN[case])


def test_a_mappings_window_cannot_be_taken_from_a_large_batch(
    emulator: Emulator, function: str, queue: QueueWithDeadLetters
) -> None:
    functions = emulator.client("lambda")
    mapping = functions.create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=queue.arn,
        BatchSize=100,
        MaximumBatchingWindowInSeconds=30,
    )
    with refused("InvalidParameterValueException", BATCH_OF_ELEVEN):
        functions.update_event_source_mapping(
            UUID=mapping["UUID"], MaximumBatchingWindowInSeconds=0
        )


@pytest.mark.parametrize("by_arn", [False, True])
def test_a_message_stays_hidden_while_the_function_may_work_on_it(
    emulator: Emulator, function: str, queue: QueueWithDeadLetters, by_arn: bool
) -> None:
    functions = emulator.client("lambda")
    config = functions.get_function_configuration(FunctionName=function)

    def map_with(visibility: int) -> None:
        queue.sqs.set_queue_attributes(
            QueueUrl=queue.url, Attributes={"VisibilityTimeout": str(visibility)}
        )
        functions.create_event_source_mapping(
            FunctionName=config["FunctionArn"] if by_arn else function, EventSourceArn=queue.arn
        )

    with refused("InvalidParameterValueException", SHORT_VISIBILITY):
        map_with(TIMEOUT - 1)
    map_with(TIMEOUT)


def mapped_queue(function: str, visibility: int = 30, **mapping: Any) -> JSON:
    source = {"Fn::GetAtt": ["Queue", "Arn"]}
    return {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": f"{function}-own", "VisibilityTimeout": visibility},
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"FunctionName": function, "EventSourceArn": source} | mapping,
        },
    }


def test_a_template_meets_the_same_limits(emulator: Emulator, function: str) -> None:
    for settings, reason in REFUSED.values():
        with pytest.raises(StackFailedError, match=reason):
            deploy(emulator, f"{function}-refused", mapped_queue(function, **settings))
        emulator.client("cloudformation").delete_stack(StackName=f"{function}-refused")
    for settings in TAKEN.values():
        deploy(emulator, function, mapped_queue(function, **settings))


def test_a_templates_queue_hides_messages_long_enough(emulator: Emulator, function: str) -> None:
    with pytest.raises(StackFailedError, match=SHORT_VISIBILITY):
        deploy(emulator, f"{function}-refused", mapped_queue(function, visibility=TIMEOUT - 1))
    deploy(emulator, function, mapped_queue(function, visibility=TIMEOUT))
