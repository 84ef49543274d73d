import json
from typing import Any

import pytest

from emulator_process import Emulator, eventually
from refused import refused

TEMPLATE = json.dumps(
    {
        "Parameters": {"Retention": {"Type": "Number", "Default": 60}},
        "Resources": {
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"MessageRetentionPeriod": {"Ref": "Retention"}},
            }
        },
    }
)
KNOWN = {"ParameterKey": "Retention", "ParameterValue": "120"}
MISSPELT = {"ParameterKey": "Retension", "ParameterValue": "120"}
REASON = r"Parameters: \[Retension\] do not exist in the template"


@pytest.fixture
def cloudformation(emulator: Emulator) -> Any:
    return emulator.client("cloudformation")


def test_a_stack_takes_no_parameter_that_its_template_does_not_have(
    cloudformation: Any, name: str
) -> None:
    with refused("ValidationError", REASON):
        cloudformation.create_stack(
            StackName=name, TemplateBody=TEMPLATE, Parameters=[KNOWN, MISSPELT]
        )
    cloudformation.create_stack(StackName=name, TemplateBody=TEMPLATE, Parameters=[KNOWN])
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    with refused("ValidationError", REASON):
        cloudformation.update_stack(StackName=name, TemplateBody=TEMPLATE, Parameters=[MISSPELT])
    previous = {"ParameterKey": "Retension", "UsePreviousValue": True}
    with refused("ValidationError", REASON):
        cloudformation.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=[previous])
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert (stack["StackStatus"], stack["Parameters"]) == ("CREATE_COMPLETE", [KNOWN])


def test_neither_does_a_change_set(cloudformation: Any, name: str) -> None:
    def create(suffix: str, *parameters: dict[str, str]) -> None:
        cloudformation.create_change_set(
            StackName=f"{name}-{suffix}",
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=TEMPLATE,
            Parameters=list(parameters),
        )

    def status() -> str:
        found = cloudformation.describe_change_set(StackName=f"{name}-good", ChangeSetName="first")
        return "" if found["Status"].endswith("PROGRESS") else found["Status"]

    with refused("ValidationError", REASON):
        create("bad", KNOWN, MISSPELT)
    create("good", KNOWN)
    assert eventually(status, "the change set is ready") == "CREATE_COMPLETE"
