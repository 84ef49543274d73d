"""SNS e-mail: each delivery to an e-mail address is a line of outbox.jsonl.

ministack accepts such subscriptions, confirms them by itself (AWS waits for a person) and only logs
deliveries. A line is `{"to", "topic", "subject", "message", "id", "attributes"}`; the attributes
are the message's, which a mail does not show. With MessageStructure=json the message is the one for
the subscription's protocol. Without a subject from the publisher it is SNS's default.

Patches in `ministack.services.sns`: `_fanout`. Uses `_topic_by_arn_any_scope`,
`_resolve_message_for_protocol`, `_matches_filter_policy`, `_build_envelope`.
"""

import json
import threading
from typing import Any

from ministack.services import sns

import pinned
from settings import Settings

DEFAULT_SUBJECT = "AWS Notification Message"
PROTOCOLS = ("email", "email-json")

_writing = threading.Lock()


def install(settings: Settings) -> None:
    pinned.require(
        sns,
        *("_fanout", "_topic_by_arn_any_scope", "_resolve_message_for_protocol"),
        *("_matches_filter_policy", "_build_envelope"),
    )
    settings.outbox.touch()
    deliver_to_others = sns._fanout

    def fanout(
        topic_arn: str,
        message_id: str,
        message: str,
        subject: str,
        structure: str = "",
        attributes: dict[str, Any] | None = None,
        *more: Any,
        **named: Any,
    ) -> None:
        # Some of ministack's callers pass these two by name.
        structure = named.pop("message_structure", structure)
        attributes = named.pop("message_attributes", attributes)
        mails = mails_for(topic_arn, message_id, message, subject, structure, attributes or {})
        append(settings, mails)
        deliver_to_others(
            topic_arn, message_id, message, subject, structure, attributes, *more, **named
        )

    sns._fanout = fanout


def mails_for(
    topic_arn: str,
    message_id: str,
    message: str,
    subject: str,
    structure: str,
    attributes: dict[str, Any],
) -> list[dict[str, Any]]:
    """A mail for each e-mail subscription of the topic whose filter policy accepts the message."""
    topic = sns._topic_by_arn_any_scope(topic_arn)
    mails = []
    for subscription in topic["subscriptions"] if topic else []:
        protocol = subscription.get("protocol")
        if protocol not in PROTOCOLS or not subscription.get("confirmed"):
            continue
        text = sns._resolve_message_for_protocol(message, structure, protocol)
        if not sns._matches_filter_policy(subscription, attributes, text):
            continue
        if protocol == "email-json":
            text = sns._build_envelope(topic_arn, message_id, text, subject, attributes, False)
        mails.append(
            {
                "to": subscription.get("endpoint", ""),
                "topic": topic_arn,
                "subject": subject or DEFAULT_SUBJECT,
                "message": text,
                "id": message_id,
                "attributes": {
                    name: value.get("StringValue", "") for name, value in attributes.items()
                },
            }
        )
    return mails


def append(settings: Settings, mails: list[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(mail, ensure_ascii=False) + "\n" for mail in mails)
    if lines:
        with _writing, settings.outbox.open("a", encoding="utf-8") as outbox:
            outbox.write(lines)
