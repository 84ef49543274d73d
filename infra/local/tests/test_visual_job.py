"""The visual job beside the script's: created from its file, under a role that keeps it apart."""

import json
import os
import subprocess
import sys

import yaml

from emulator_process import LOCAL, Emulator
from template_part import TEMPLATE, Loader, template_part
from test_glue_runs import JobRuns

GLUE = LOCAL.parent / "glue"
# Stands in for the script that Glue makes of the nodes: what such a job asks of AWS, one line a
# call, and then what it has no business with.
CALLS = """
import boto3, json
from botocore.exceptions import ClientError

s3, glue = boto3.client("s3"), boto3.client("glue")
lake = dict(Bucket="{bucket}")
visual = dict(DatabaseName="{database}", TableName="tb_ibov_refined_visual")
folder = "refined_visual/Data=2026-11-20/Setor=Bancos/"

(raw,) = s3.list_objects_v2(**lake, Prefix="raw/")["Contents"]
s3.get_object(**lake, Key=raw["Key"])
s3.list_objects_v2(**lake, Prefix="refined_visual/")
for name in ("_temporary", "part-0.parquet"):
    s3.put_object(**lake, Key=folder + name, Body=b"PAR1")
s3.get_object(**lake, Key=folder + "_temporary")
s3.delete_object(**lake, Key=folder + "_temporary")
table = glue.get_table(DatabaseName="{database}", Name=visual["TableName"])["Table"]
storage = table["StorageDescriptor"]
assert glue.get_partitions(**visual)["Partitions"] == []
storage["Location"] = "s3://{bucket}/" + folder
entry = dict(Values=["2026-11-20", "Bancos"], StorageDescriptor=storage)
assert not glue.batch_create_partition(**visual, PartitionInputList=[entry]).get("Errors")

def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert "AccessDenied" in error.response["Error"]["Code"], error
    else:
        raise AssertionError(arguments)

script = dict(visual, TableName="tb_ibov_refined")
refined, done = folder.replace("_visual", ""), "control/refine/done/date=2026-11-20/0"
for key in (refined + "part-0.parquet", raw["Key"], done):
    refused(s3.put_object, **lake, Key=key, Body=b"PAR1")
    refused(s3.delete_object, **lake, Key=key)
refused(s3.list_objects_v2, **lake, Prefix="refined/")
refused(glue.get_partitions, **script)
refused(glue.batch_create_partition, **script, PartitionInputList=[entry])
print("apart")
"""


def test_one_command_creates_a_job_that_writes_beside_the_script_and_nowhere_else(
    emulator: Emulator, name: str
) -> None:
    template = template_part(
        *("LakeBucket", "GlueDatabase", "RefinedTable", "RefinedQuality", "VisualTable"),
        *("VisualJobRole", "GlueJob", "GlueJobRole", "GlueOutputLogs", "GlueErrorLogs"),
    )
    bucket = template["Resources"]["LakeBucket"]
    # Nobody listens to this bucket.
    del bucket["DependsOn"], bucket["Properties"]["NotificationConfiguration"]
    outputs = yaml.load(TEMPLATE.read_text(), Loader)["Outputs"]
    said = ("BucketName", "DatabaseName", "GlueJobName")
    template["Outputs"] = {output: outputs[output] for output in said}
    parameters = {
        "AlertEmail": "nobody@example.com",
        "BucketName": name,
        "DatabaseName": name,
        "CreateDatabase": "true",
        "GlueJobName": name,
    }
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )

    create = [sys.executable, str(GLUE / "visual_job.py"), "create", "--stack", name]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{emulator.port}",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    done = subprocess.run(
        create, env=os.environ | environment, check=True, capture_output=True, text=True
    )
    assert done.stdout == f"{name}_visual is created. Nothing starts it but you.\n"

    runs = JobRuns(emulator, f"{name}_visual")
    job = runs.glue.get_job(JobName=runs.name)["Job"]
    location = job["Command"]["ScriptLocation"]
    assert location == f"s3://{name}/scripts/{name}_visual.py"
    s3 = emulator.client("s3")
    script = CALLS.format(bucket=name, database=name)
    s3.put_object(Bucket=name, Key=location.split("/", 3)[3], Body=script)
    s3.put_object(Bucket=name, Key="raw/date=2026-11-20/ibov_setor.parquet", Body=b"PAR1")
    run = runs.ended(runs.start())
    assert run["JobRunState"] == "SUCCEEDED", runs.log(run["Id"])
    assert "apart" in runs.log(run["Id"])
