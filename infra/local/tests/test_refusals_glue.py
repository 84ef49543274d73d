import json
from typing import Any

import boto3
import pytest
from botocore.config import Config

from emulator_process import Emulator
from refused import refused
from stacks import StackFailedError, deploy

JSON = dict[str, Any]

REFUSED = {
    "a version that never was": ({"GlueVersion": "9.9"}, "InvalidInputException", "9.9"),
    "a version half written": ({"GlueVersion": "5"}, "InvalidInputException", "GlueVersion"),
    "a version that is gone": ({"GlueVersion": "2.0"}, "InvalidInputException", "2.0"),
    "a worker type that never was": ({"WorkerType": "G.3X"}, "InvalidInputException", "G.3X"),
    "a worker type misspelt": ({"WorkerType": "G1X"}, "InvalidInputException", "Worker type"),
    "a number": ({"DefaultArguments": {"--days": 3}}, "SerializationException", "--days"),
    "a truth": ({"DefaultArguments": {"--force": True}}, "SerializationException", "--force"),
    "a number of the owner": (
        {"NonOverridableArguments": {"--days": 3}},
        "SerializationException",
        "--days",
    ),
}
TAKEN = {
    "5.1": {"GlueVersion": "5.1"},
    "6.0": {"GlueVersion": "6.0"},
    "G.1X": {"WorkerType": "G.1X", "NumberOfWorkers": 2},
    "R.8X": {"WorkerType": "R.8X", "NumberOfWorkers": 2},
    "texts": {"DefaultArguments": {"--days": "3", "--force": "true"}},
}
COMMAND = {"Name": "glueetl", "ScriptLocation": "s3://none/script.py"}


@pytest.fixture
def glue(emulator: Emulator) -> Any:
    """Sends requests unchecked: boto3 itself would refuse a number in place of a text."""
    return boto3.client(
        "glue",
        region_name="us-east-1",
        endpoint_url=emulator.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, retries={"max_attempts": 1}),
    )


def job(name: str) -> JSON:
    return {"Name": name, "Role": "arn:aws:iam::000000000000:role/none", "Command": COMMAND}


@pytest.mark.parametrize("case", REFUSED)
def test_a_job_that_glue_refuses(glue: Any, name: str, case: str) -> None:
    settings, code, reason = REFUSED[case]
    with refused(code, reason):
        glue.create_job(**job(name), **settings)
    glue.create_job(**job(name))
    with refused(code, reason):
        glue.update_job(JobName=name, JobUpdate=settings)


@pytest.mark.parametrize("case", TAKEN)
def test_a_job_that_glue_takes(glue: Any, name: str, case: str) -> None:
    glue.create_job(**job(name), **TAKEN[case])
    glue.update_job(JobName=name, JobUpdate=TAKEN[case])
    kept = glue.get_job(JobName=name)["Job"]
    assert {key: kept[key] for key in TAKEN[case]} == TAKEN[case]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"WorkerType": "G.3X"}, "InvalidInputException"),
        ({"Arguments": {"--dates": 20261125}}, "SerializationException"),
    ],
)
def test_a_run_that_glue_refuses(glue: Any, name: str, settings: JSON, code: str) -> None:
    glue.create_job(**job(name))
    with refused(code):
        glue.start_job_run(JobName=name, **settings)
    assert glue.get_job_runs(JobName=name)["JobRuns"] == []
    assert glue.start_job_run(JobName=name, Arguments={"--dates": "2026-11-25"})["JobRunId"]


@pytest.mark.parametrize("case", REFUSED)
def test_a_stack_fails_with_a_job_that_glue_refuses(
    emulator: Emulator, name: str, case: str
) -> None:
    settings, code, _ = REFUSED[case]
    with pytest.raises(StackFailedError, match=code):
        deploy(emulator, name, job_resource(name, settings))


@pytest.mark.parametrize("case", TAKEN)
def test_a_stack_has_a_job_that_glue_takes(emulator: Emulator, name: str, case: str) -> None:
    deploy(emulator, name, job_resource(name, TAKEN[case]))
    kept = emulator.client("glue").get_job(JobName=name)["Job"]
    assert json.dumps(kept["Command"]) == json.dumps(COMMAND)


def job_resource(name: str, settings: JSON) -> JSON:
    return {"Job": {"Type": "AWS::Glue::Job", "Properties": job(name) | settings}}
