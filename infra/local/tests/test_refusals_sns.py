import json
from typing import Any

import pytest

from conftest import Outbox
from emulator_process import Emulator
from refused import refused

JSON = dict[str, Any]


class Topic:
    """A topic with one e-mail subscription."""

    def __init__(self, emulator: Emulator, name: str, address: str) -> None:
        self.sns = emulator.client("sns")
        self.arn = self.sns.create_topic(Name=name)["TopicArn"]
        self.sns.subscribe(TopicArn=self.arn, Protocol="email", Endpoint=address)

    def publish(self, message: str = "text", **more: str) -> None:
        self.sns.publish(TopicArn=self.arn, Message=message, **more)


@pytest.fixture
def topic(emulator: Emulator, name: str, outbox: Outbox) -> Topic:
    return Topic(emulator, name, outbox.address)


@pytest.mark.parametrize(
    "subject", ["s" * 100, "two\nlines", "two\rlines", "a\ttab", "\x7f", "two\u2028lines"]
)
def test_a_subject_that_sns_refuses(topic: Topic, outbox: Outbox, subject: str) -> None:
    with refused("InvalidParameter", "Subject"):
        topic.publish(Subject=subject)
    topic.publish(Subject="the next one")
    assert outbox.first()["subject"] == "the next one"


@pytest.mark.parametrize("subject", ["s" * 99, "IBOV refine FAILED: 2026-11-20", "Índice"])
def test_a_subject_that_sns_takes(topic: Topic, outbox: Outbox, subject: str) -> None:
    topic.publish(Subject=subject)
    assert outbox.first()["subject"] == subject


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"email": "for people"}, "No default entry"),
        ({"default": {"status": "FAILED"}}, "No default entry"),
        ({"default": None}, "No default entry"),
        ({}, "No default entry"),
        (["default"], "failed to parse"),
        (None, "failed to parse"),
    ],
)
def test_a_message_for_each_protocol_has_a_default(
    topic: Topic, message: object, reason: str
) -> None:
    with refused("InvalidParameter", reason):
        topic.publish(json.dumps(message), MessageStructure="json")


def test_a_message_for_each_protocol_is_json(topic: Topic) -> None:
    with refused("InvalidParameter", "failed to parse"):
        topic.publish('{"default": "text"', MessageStructure="json")


def test_a_message_with_a_default_reaches_its_readers(topic: Topic, outbox: Outbox) -> None:
    topic.publish(json.dumps({"default": "for all"}), MessageStructure="json")
    assert outbox.first()["message"] == "for all"


def test_without_structure_json_is_a_text_like_any_other(topic: Topic, outbox: Outbox) -> None:
    topic.publish('{"email": "for people"}')
    assert outbox.first()["message"] == '{"email": "for people"}'
