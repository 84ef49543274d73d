import json
from typing import Any

import pytest

from conftest import QueueWithDeadLetters
from emulator_process import Emulator
from refused import refused
from stacks import StackFailedError, deploy

MEBIBYTE = 1_048_576
JSON = dict[str, Any]


def text(value: str = "v") -> JSON:
    return {"DataType": "String", "StringValue": value}


REFUSED_ATTRIBUTES = {
    "eleven": ({f"a{n}": text() for n in range(11)}, r"\[11\] exceeds the allowed maximum"),
    "empty": ({"cause": text("")}, "non-empty value"),
    "without a value": ({"cause": {"DataType": "String"}}, "non-empty value"),
    "empty bytes": ({"cause": {"DataType": "Binary", "BinaryValue": b""}}, "non-empty value"),
    "without a type": ({"cause": {"DataType": "", "StringValue": "v"}}, "invalid message attr"),
    "of an unknown type": ({"cause": {"DataType": "Text", "StringValue": "v"}}, "type prefixes"),
    "not a number": ({"n": {"DataType": "Number", "StringValue": "five"}}, "to a number"),
    "a control character": ({"cause": text("a\x00b")}, "outside the allowed set"),
    "AWS.": ({"AWS.cause": text()}, "reserved"),
    "aws.": ({"aws.cause": text()}, "reserved"),
    "Amazon.": ({"Amazon.cause": text()}, "reserved"),
    "a space in the name": ({"the cause": text()}, "is invalid"),
    "two periods": ({"a..b": text()}, "is invalid"),
    "a period at the end": ({"a.": text()}, "is invalid"),
    "a name of 257": ({"a" * 257: text()}, "is invalid"),
}

TAKEN_ATTRIBUTES = {
    "ten": {f"a{n}": text() for n in range(10)},
    "one space": {"cause": text(" ")},
    "a byte": {"cause": {"DataType": "Binary", "BinaryValue": b"\x00"}},
    "a number": {"n": {"DataType": "Number", "StringValue": "-5.25"}},
    "a label": {"n": {"DataType": "Number.int", "StringValue": "5"}},
    "lines": {"cause": text("a\tb\nc")},
    "like a reserved name": {"AWSome": text(), "amazonian.b": text(), "b.AWS.c": text()},
    "a name of 256": {"a" * 256: text()},
}


@pytest.mark.parametrize("case", REFUSED_ATTRIBUTES)
def test_message_attributes_that_sqs_refuses(queue: QueueWithDeadLetters, case: str) -> None:
    attributes, message = REFUSED_ATTRIBUTES[case]
    with refused("InvalidParameterValue", message):
        queue.sqs.send_message(QueueUrl=queue.url, MessageBody="body", MessageAttributes=attributes)
    assert queue.receive(seconds=0) == []


@pytest.mark.parametrize("case", TAKEN_ATTRIBUTES)
def test_message_attributes_that_sqs_takes(queue: QueueWithDeadLetters, case: str) -> None:
    attributes = TAKEN_ATTRIBUTES[case]
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="body", MessageAttributes=attributes)
    assert queue.receive()[0]["MessageAttributes"].keys() == attributes.keys()


def test_of_a_batch_only_the_message_with_refused_attributes_fails(
    queue: QueueWithDeadLetters,
) -> None:
    entries = [
        {"Id": "bad", "MessageBody": "bad", "MessageAttributes": {"AWS.cause": text()}},
        {"Id": "good", "MessageBody": "good", "MessageAttributes": {"cause": text()}},
    ]
    answer = queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
    failed = [(entry["Id"], entry["Code"]) for entry in answer["Failed"]]
    assert failed == [("bad", "InvalidParameterValue")]
    assert [message["Body"] for message in queue.receive()] == ["good"]


# name, type and value of the attribute below
ATTRIBUTE_BYTES = len("cause") + len("String") + len("é".encode())


def sized(size: int) -> JSON:
    """A message whose body and attribute together have `size` bytes."""
    body = "x" * (size - ATTRIBUTE_BYTES)
    return {"MessageBody": body, "MessageAttributes": {"cause": text("é")}}


def test_body_and_attributes_share_a_mebibyte(queue: QueueWithDeadLetters) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, **sized(MEBIBYTE))
    with refused("InvalidParameterValue", "must be shorter than 1048576 bytes"):
        queue.sqs.send_message(QueueUrl=queue.url, **sized(MEBIBYTE + 1))
    assert len(queue.receive()) == 1


def test_a_queue_may_take_less_than_a_mebibyte(queue: QueueWithDeadLetters) -> None:
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"MaximumMessageSize": "1024"})
    queue.sqs.send_message(QueueUrl=queue.url, **sized(1024))
    with refused("InvalidParameterValue", "must be shorter than 1024 bytes"):
        queue.sqs.send_message(QueueUrl=queue.url, **sized(1025))


def test_the_messages_of_a_batch_share_a_mebibyte(queue: QueueWithDeadLetters) -> None:
    def send(size: int) -> JSON:
        entries = [{"Id": "1", **sized(size)}, {"Id": "2", **sized(MEBIBYTE // 2)}]
        return queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)

    assert len(send(MEBIBYTE // 2)["Successful"]) == 2
    with refused("AWS.SimpleQueueService.BatchRequestTooLong", "longer than 1048576 bytes"):
        send(MEBIBYTE // 2 + 1)


def receipt(queue: QueueWithDeadLetters, visibility: int = 30) -> str:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="body")
    messages = queue.sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=visibility)
    return messages["Messages"][0]["ReceiptHandle"]


@pytest.mark.parametrize("seconds", [43_201, 86_400, -1])
def test_no_message_is_hidden_for_longer_than_twelve_hours(
    queue: QueueWithDeadLetters, seconds: int
) -> None:
    handle = receipt(queue)
    with refused("InvalidParameterValue", "Must be between 0 and 43200"):
        queue.sqs.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=handle, VisibilityTimeout=seconds
        )
    with refused("InvalidParameterValue", "Must be between 0 and 43200"):
        queue.sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=seconds)


def test_the_twelve_hours_count_from_the_receipt(queue: QueueWithDeadLetters) -> None:
    handle = receipt(queue)
    queue.sqs.change_message_visibility(
        QueueUrl=queue.url, ReceiptHandle=handle, VisibilityTimeout=43_140
    )
    with refused("InvalidParameterValue", "Total VisibilityTimeout for the message"):
        queue.sqs.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=handle, VisibilityTimeout=43_200
        )


def test_a_message_received_again_has_twelve_hours_again(queue: QueueWithDeadLetters) -> None:
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": ""})
    receipt(queue, visibility=0)
    again = queue.sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=43_200)
    handle = again["Messages"][0]["ReceiptHandle"]
    queue.sqs.change_message_visibility(
        QueueUrl=queue.url, ReceiptHandle=handle, VisibilityTimeout=43_140
    )


@pytest.mark.parametrize("ending", ["", "_-"])
def test_a_queues_name_has_at_most_eighty_characters(
    emulator: Emulator, name: str, ending: str
) -> None:
    sqs = emulator.client("sqs")
    longest = name.ljust(80 - len(ending), "q") + ending
    assert sqs.create_queue(QueueName=longest)["QueueUrl"].endswith(longest)
    with refused("InvalidParameterValue", "1 to 80 in length"):
        sqs.create_queue(QueueName=longest + "q")


@pytest.mark.parametrize("bad", ["a b", "a.b", "a/b", "é"])
def test_a_queues_name_has_letters_digits_hyphens_and_underscores(
    emulator: Emulator, bad: str
) -> None:
    with refused("InvalidParameterValue", "alphanumeric characters"):
        emulator.client("sqs").create_queue(QueueName=bad)


def test_a_template_cannot_name_a_queue_otherwise(emulator: Emulator, name: str) -> None:
    longest = name.ljust(80, "q")
    deploy(emulator, name, {"Queue": queue_resource(QueueName=longest)})
    with pytest.raises(StackFailedError, match="1 to 80 in length"):
        deploy(emulator, name, {"Queue": queue_resource(QueueName=longest + "q")})


# ── Sources of dead-letter queues ───────────────────────────────────────────────────────────────


ELSEWHERE = "arn:aws:sqs:us-east-1:000000000000:elsewhere"


def allowing(permission: str, *arns: str) -> str:
    policy: JSON = {"redrivePermission": permission}
    return json.dumps(policy | ({"sourceQueueArns": list(arns)} if arns else {}))


def redrive_to(queue: QueueWithDeadLetters) -> JSON:
    policy = {"deadLetterTargetArn": queue.dlq_arn, "maxReceiveCount": 3}
    return {"RedrivePolicy": json.dumps(policy)}


def allow(queue: QueueWithDeadLetters, policy: str) -> None:
    queue.sqs.set_queue_attributes(
        QueueUrl=queue.dlq_url, Attributes={"RedriveAllowPolicy": policy}
    )


@pytest.mark.parametrize("policy", [allowing("byQueue", ELSEWHERE), allowing("denyAll")])
def test_a_dead_letter_queue_chooses_its_sources(queue: QueueWithDeadLetters, policy: str) -> None:
    allow(queue, policy)
    with refused("InvalidParameterValue", "RedriveAllowPolicy does not allow"):
        queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes=redrive_to(queue))
    with refused("InvalidParameterValue", "RedriveAllowPolicy does not allow"):
        queue.sqs.create_queue(QueueName=f"{queue.name}-new", Attributes=redrive_to(queue))


@pytest.mark.parametrize("named", [True, False])
def test_a_dead_letter_queue_takes_the_sources_that_it_names_or_all(
    queue: QueueWithDeadLetters, named: bool
) -> None:
    sources = allowing("byQueue", queue.arn, f"{queue.arn}-new")
    allow(queue, sources if named else allowing("allowAll"))
    queue.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes=redrive_to(queue))
    queue.sqs.create_queue(QueueName=f"{queue.name}-new", Attributes=redrive_to(queue))


@pytest.mark.parametrize(
    "policy",
    [
        allowing("byQueue"),
        allowing("denyAll", ELSEWHERE),
        allowing("byqueue", ELSEWHERE),
        "not JSON",
        allowing("byQueue", *(f"{ELSEWHERE}{n}" for n in range(11))),
    ],
)
def test_a_redrive_allow_policy_names_ten_sources_at_most_or_all_or_none(
    queue: QueueWithDeadLetters, policy: str
) -> None:
    with refused("InvalidParameterValue", "for parameter RedriveAllowPolicy is invalid"):
        allow(queue, policy)


def queue_resource(**properties: Any) -> JSON:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def queue_and_dead_letters(name: str, source: str) -> JSON:
    """A queue called `name`-queue, whose dead-letter queue names `source`."""
    arn = f"arn:aws:sqs:us-east-1:000000000000:{source}"
    return {
        "Dlq": queue_resource(
            QueueName=f"{name}-dlq",
            RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": [arn]},
        ),
        "Queue": queue_resource(
            QueueName=f"{name}-queue",
            RedrivePolicy={
                "deadLetterTargetArn": {"Fn::GetAtt": ["Dlq", "Arn"]},
                "maxReceiveCount": 5,
            },
        ),
    }


def test_in_a_template_too_a_dead_letter_queue_chooses_its_sources(
    emulator: Emulator, name: str
) -> None:
    deploy(emulator, name, queue_and_dead_letters(name, source=f"{name}-queue"))
    with pytest.raises(StackFailedError, match="RedriveAllowPolicy does not allow"):
        deploy(emulator, f"{name}2", queue_and_dead_letters(f"{name}2", source="misspelt-queue"))
