"""Limits of CloudFormation: a stack accepts only the parameters of its template.

Patches in `ministack.services.cloudformation.handlers` (CreateStack, UpdateStack) and `changesets`
(CreateChangeSet): `_resolve_parameters`.
"""

from typing import Any, NoReturn

from ministack.services.cloudformation import changesets, handlers

from refusals.guard import RefusedError, guard

JSON = dict[str, Any]


def install() -> None:
    for owner in (handlers, changesets):
        guard(owner, "_resolve_parameters", check_parameters, refuse)


def refuse(refusal: RefusedError) -> NoReturn:
    """ministack answers a ValueError as ValidationError."""
    raise ValueError(refusal.message)


def check_parameters(template: JSON, provided: list[JSON], _previous: JSON | None = None) -> None:
    known = template.get("Parameters") or {}
    names = [parameter["Key"] for parameter in provided if "Key" in parameter]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RefusedError(
            "ValidationError", f"Parameters: [{', '.join(unknown)}] do not exist in the template"
        )
