"""Small stacks for tests of CloudFormation's resources."""

import json
from typing import Any

from emulator_process import Emulator, eventually

JSON = dict[str, Any]


class StackFailedError(AssertionError):
    """A stack failed, with the reason from its events."""


def deploy(emulator: Emulator, name: str, resources: JSON) -> None:
    """Creates or updates a stack of these resources."""
    cloudformation = emulator.client("cloudformation")
    known = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    change = cloudformation.update_stack if name in known else cloudformation.create_stack
    change(StackName=name, TemplateBody=json.dumps({"Resources": resources}))

    def settled() -> str:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return "" if status.endswith("_IN_PROGRESS") else status

    status = eventually(settled, f"stack {name} settles")
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        raise StackFailedError("; ".join(event.get("ResourceStatusReason", "") for event in failed))
