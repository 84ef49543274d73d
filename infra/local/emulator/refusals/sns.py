"""Limits of SNS: a mail's subject, and messages with a text for each protocol.

Patches in `ministack.services.sns`: `publish_internal` (Publish and the emulator's own services
call it, PublishBatch does not). Uses `SnsPublishError`.
"""

import json
import unicodedata
from typing import Any, NoReturn

from ministack.services import sns

import pinned
from refusals.guard import RefusedError, guard

# "Less than 100 characters."
SUBJECT_CHARACTERS = 99


def install() -> None:
    pinned.require(sns, "SnsPublishError")
    guard(sns, "publish_internal", check_publish, refuse)


def refuse(refusal: RefusedError) -> NoReturn:
    raise sns.SnsPublishError(refusal.code, refusal.message)


def invalid_parameter(what: str) -> RefusedError:
    return RefusedError("InvalidParameter", f"Invalid parameter: {what}")


def check_publish(
    _topic_arn: str, message: Any, subject: str = "", *, message_structure: str = "", **_more: Any
) -> None:
    if len(subject) > SUBJECT_CHARACTERS or any(is_control(letter) for letter in subject):
        raise invalid_parameter("Subject")
    if message_structure == "json":
        check_structure(message)


def is_control(letter: str) -> bool:
    """Also the line separators beyond ASCII."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp")


def check_structure(message: Any) -> None:
    try:
        texts = json.loads(message) if isinstance(message, str) else message
    except ValueError:
        texts = None
    if not isinstance(texts, dict):
        raise invalid_parameter("Message Structure - JSON message body failed to parse")
    if not isinstance(texts.get("default"), str):
        raise invalid_parameter("Message Structure - No default entry in JSON message body")
