"""The remains of a failed deployment and of a deleted stack: the template's own bucket, with a
database that exists already."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_process import Emulator, eventually
from template_part import template_part


class Deployment:
    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name = name
        self.cloudformation = emulator.client("cloudformation")
        self.s3 = emulator.client("s3")
        template = template_part("LakeBucket", "GlueDatabase")
        bucket = template["Resources"]["LakeBucket"]
        # This bucket has no notifications. The database follows it, to fail when the bucket exists.
        del bucket["DependsOn"], bucket["Properties"]["NotificationConfiguration"]
        template["Resources"]["GlueDatabase"]["DependsOn"] = "LakeBucket"
        self.template = template

    def create(self, **parameters: str) -> str:
        """Deploys, and returns the final status."""
        parameters |= {"AlertEmail": "nobody@example.com", "BucketName": self.name}
        self.cloudformation.create_stack(
            StackName=self.name,
            TemplateBody=json.dumps(self.template),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        return eventually(self.ended, "the deployment ends", 20)

    def ended(self) -> str | None:
        stack = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack["StackStatus"]

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=self.name)
        waiter: Any = self.cloudformation.get_waiter("stack_delete_complete")
        waiter.wait(StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def has_bucket(self) -> bool:
        try:
            self.s3.head_bucket(Bucket=self.name)
        except ClientError:
            return False
        return True


@pytest.fixture
def deployment(emulator: Emulator, name: str) -> Deployment:
    emulator.client("glue").create_database(DatabaseInput={"Name": name})
    return Deployment(emulator, name)


def test_a_first_deployment_that_fails_can_be_repeated(deployment: Deployment) -> None:
    taken = {"DatabaseName": deployment.name, "CreateDatabase": "true"}
    assert deployment.create(**taken) == "ROLLBACK_COMPLETE"
    assert not deployment.has_bucket()
    deployment.delete()
    assert deployment.create(DatabaseName=deployment.name) == "CREATE_COMPLETE"


def test_the_bucket_of_a_stack_that_stood_outlives_it(deployment: Deployment) -> None:
    assert deployment.create(DatabaseName=deployment.name) == "CREATE_COMPLETE"
    deployment.delete()
    assert deployment.has_bucket()
