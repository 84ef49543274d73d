"""Puts a check before a function of ministack. A refused request never reaches the function.

A check takes the arguments of the function it guards and raises `RefusedError`.

Patches in `ministack.services.cloudformation.provisioners`: `_RESOURCE_HANDLERS` (create and update
of the guarded types; they bypass the functions for requests).
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from ministack.services.cloudformation import provisioners

import pinned

JSON = dict[str, Any]
Check = Callable[..., None]


class RefusedError(Exception):
    """AWS's refusal of a request: its code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


def guard(
    owner: ModuleType, name: str, check: Check, answer: Callable[[RefusedError], Any]
) -> None:
    """Puts `check` before `owner.name`. `answer` returns or raises the refusal as the service's
    callers expect it."""
    pinned.require(owner, name)
    setattr(owner, name, behind(check, getattr(owner, name), answer))


def guard_resource(resource_type: str, check: Callable[[JSON, str | None], None]) -> None:
    """Puts `check` before CloudFormation's creation and change of a resource.

    The check gets the resource's properties, and its physical id if the resource exists.
    """
    pinned.require(provisioners, "_RESOURCE_HANDLERS")
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]

    def check_new(_logical_id: str, properties: JSON, _stack: str) -> None:
        check(properties, None)

    def check_changed(physical_id: str, _old: JSON, properties: JSON, *_more: Any) -> None:
        check(properties, physical_id)

    handlers["create"] = behind(check_new, handlers["create"], fail_resource)
    handlers["update"] = behind(check_changed, handlers["update"], fail_resource)


def fail_resource(refusal: RefusedError) -> NoReturn:
    """Makes the refusal the reason for the failure of the resource and its stack."""
    raise ValueError(str(refusal))


def behind(
    check: Check, serve: Callable[..., Any], answer: Callable[[RefusedError], Any]
) -> Callable[..., Any]:
    @functools.wraps(serve)
    def serve_unless_refused(*arguments: Any, **named: Any) -> Any:
        try:
            check(*arguments, **named)
        except RefusedError as refusal:
            return answer(refusal)
        return serve(*arguments, **named)

    return serve_unless_refused


def invalid(value: object, field: str, constraint: str) -> RefusedError:
    """The refusal of a value that breaks a constraint of a service's model."""
    return RefusedError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy "
        f"constraint: Member must {constraint}",
    )
