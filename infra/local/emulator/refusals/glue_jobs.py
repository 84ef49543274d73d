"""Limits of Glue jobs: existing versions and worker types, and arguments that are texts.

Patches in `ministack.services.glue`: `_create_job`, `_update_job`, `_start_job_run`.
CloudFormation's jobs go through the first two.
"""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import glue

from refusals.guard import RefusedError, guard

JSON = dict[str, Any]

# 0.9, 1.0 and 2.0 reached their end of life on 1 April 2026 and can neither be created nor started.
VERSIONS = ("3.0", "4.0", "5.0", "5.1", "6.0")
WORKER_TYPES = (
    *("Standard", "G.025X", "G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X"),
    *("R.1X", "R.2X", "R.4X", "R.8X", "Z.2X"),
)
ARGUMENTS = ("DefaultArguments", "NonOverridableArguments", "Arguments")


def install() -> None:
    guard(glue, "_create_job", check_settings, refuse)
    guard(glue, "_update_job", check_update, refuse)
    guard(glue, "_start_job_run", check_settings, refuse)


def refuse(refusal: RefusedError) -> tuple[int, dict[str, str], bytes]:
    return error_response_json(refusal.code, refusal.message, 400)


def check_update(request: JSON) -> None:
    check_settings(request.get("JobUpdate") or {})


def check_settings(settings: JSON) -> None:
    """Settings that jobs and runs have in common."""
    version = settings.get("GlueVersion")
    if version is not None and str(version) not in VERSIONS:
        raise RefusedError("InvalidInputException", f"Given GlueVersion [{version}] is not valid.")
    worker_type = settings.get("WorkerType")
    if worker_type is not None and worker_type not in WORKER_TYPES:
        raise RefusedError("InvalidInputException", f"Worker type {worker_type} is not valid.")
    for name in ARGUMENTS:
        check_texts(name, settings.get(name) or {})


def check_texts(name: str, arguments: JSON) -> None:
    for argument, value in arguments.items():
        if not isinstance(value, str):
            raise RefusedError(
                "SerializationException",
                f"{name}: the value of {argument} can not be converted to a String",
            )
