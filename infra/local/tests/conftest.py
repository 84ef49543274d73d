import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator_process import LOCAL, Emulator, eventually, running

sys.path.insert(0, str(LOCAL))


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator that most tests share. Each makes its own resources under its own names.

    The environment contains settings that must not leak into it.
    """
    shell = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "the user's own",
        "HTTP_PROXY": "http://192.0.2.1:3128",
        "http_proxy": "http://192.0.2.1:3128",
    }
    with running(tmp_path_factory.mktemp("emulator"), shell) as started:
        yield started


@pytest.fixture
def name() -> str:
    """A unique name."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def outbox(emulator: Emulator, name: str) -> "Outbox":
    return Outbox(emulator.state_dir / "outbox.jsonl", f"{name}@example.com")


class Outbox:
    """The mail that was sent to one address."""

    def __init__(self, path: Path, address: str) -> None:
        self.path = path
        self.address = address

    def mails(self) -> list[dict[str, str]]:
        mails = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [mail for mail in mails if mail["to"] == self.address]

    def first(self, seconds: float = 15.0) -> dict[str, str]:
        return eventually(self.mails, f"a mail to {self.address}", seconds)[0]


@pytest.fixture
def queue(emulator: Emulator, name: str) -> "QueueWithDeadLetters":
    return QueueWithDeadLetters(emulator, name)


class QueueWithDeadLetters:
    """A queue with a dead-letter queue."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.sqs = emulator.client("sqs")
        self.name = name
        self.dlq_url = self.sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
        self.dlq_arn = self.arn_of(self.dlq_url)
        redrive = {"deadLetterTargetArn": self.dlq_arn, "maxReceiveCount": 1}
        self.url = self.sqs.create_queue(
            QueueName=name,
            Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "30"},
        )["QueueUrl"]
        self.arn = self.arn_of(self.url)

    def arn_of(self, url: str) -> str:
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return attributes["Attributes"]["QueueArn"]

    def receive(self, url: str | None = None, seconds: int = 5) -> list[dict[str, Any]]:
        """Receives and deletes up to ten messages, waiting for the first."""
        messages = self.sqs.receive_message(
            QueueUrl=url or self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=seconds,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        ).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(
                QueueUrl=url or self.url, ReceiptHandle=message["ReceiptHandle"]
            )
        return messages

    def allow(self, service: str, url: str | None = None) -> None:
        """Allows an AWS service to send to a queue, as a template's queue policy does."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn_of(url or self.url),
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url or self.url, Attributes={"Policy": policy})


@pytest.fixture
def role(emulator: Emulator, name: str) -> "Roles":
    return Roles(emulator, name)


class Roles:
    """Makes roles with exactly the rights that a test gives them."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.iam = emulator.client("iam")
        self.name = name

    def allowing(self, service: str, *statements: tuple[str, str]) -> str:
        """The ARN of a role for `service` that may do each (action, resource), and nothing else."""
        role_name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        arn = self.iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            rights = [
                {"Effect": "Allow", "Action": action, "Resource": resource}
                for action, resource in statements
            ]
            self.iam.put_role_policy(
                RoleName=role_name,
                PolicyName="rights",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights}),
            )
        return arn["Role"]["Arn"]
