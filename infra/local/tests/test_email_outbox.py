import json

from conftest import Outbox
from emulator_process import Emulator, eventually


def topic_with_mail(emulator: Emulator, name: str, address: str, **attributes: str) -> str:
    sns = emulator.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=address, Attributes=attributes)
    return arn


def test_a_published_message_is_a_line_of_the_outbox(
    emulator: Emulator, name: str, outbox: Outbox
) -> None:
    topic = topic_with_mail(emulator, name, outbox.address)
    answer = emulator.client("sns").publish(
        TopicArn=topic,
        Subject="IBOV 2026-11-20",
        Message="três setores",
        MessageAttributes={"severity": {"DataType": "String", "StringValue": "info"}},
    )
    assert outbox.first() == {
        "to": outbox.address,
        "topic": topic,
        "subject": "IBOV 2026-11-20",
        "message": "três setores",
        "id": answer["MessageId"],
        "attributes": {"severity": "info"},
    }


def test_a_mail_has_the_text_for_mail_where_each_protocol_has_its_own(
    emulator: Emulator, name: str, outbox: Outbox
) -> None:
    topic = topic_with_mail(emulator, name, outbox.address)
    texts = {"default": "for machines", "email": "for people"}
    emulator.client("sns").publish(
        TopicArn=topic, MessageStructure="json", Subject="s", Message=json.dumps(texts)
    )
    assert outbox.first()["message"] == "for people"


def test_a_message_without_subject_gets_the_one_of_sns(
    emulator: Emulator, name: str, outbox: Outbox
) -> None:
    topic = topic_with_mail(emulator, name, outbox.address)
    emulator.client("sns").publish(TopicArn=topic, Message="m")
    assert outbox.first()["subject"] == "AWS Notification Message"


def test_a_filter_policy_keeps_mail_back(emulator: Emulator, name: str, outbox: Outbox) -> None:
    policy = json.dumps({"state": ["FAILED"]})
    topic = topic_with_mail(emulator, name, outbox.address, FilterPolicy=policy)
    for state in ("SUCCEEDED", "FAILED"):
        emulator.client("sns").publish(
            TopicArn=topic,
            Message=state,
            MessageAttributes={"state": {"DataType": "String", "StringValue": state}},
        )
    eventually(outbox.mails, "a mail")
    assert [mail["message"] for mail in outbox.mails()] == ["FAILED"]
