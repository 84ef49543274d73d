"""The refinement as boxes and arrows of Glue Studio: what visual-job.json is written from.

    python infra/glue/visual_job.py                        write visual-job.json anew
    python infra/glue/visual_job.py create --stack ibov    create the job beside the script's

The second one wants boto3, and credentials of somebody who may create the job and pass on its role.
README.md says what the job is for. Words like `${BucketName}` in the file are names of the stack's.
"""

import argparse
import json
import sys
from pathlib import Path
from string import Template
from typing import Any

import quality

FILE = Path(__file__).with_name("visual-job.json")

# Column of the raw files → type, and of the rows by sector.
RAW = {
    "segment": "string",
    "cod": "string",
    "asset": "string",
    "type": "string",
    "part": "decimal(6,3)",
    "partAcum": "decimal(6,3)",
    "theoricalQty": "bigint",
    "DataCarteira": "date",
}
REFINED = {
    "Setor": "string",
    "Data": "date",
    "soma_part": "decimal(16,3)",
    "total_codigo": "bigint",
    "soma_qtd_teorica": "bigint",
    "dias_desde_carteira": "int",
}

# A row without a sector counts as one with this, as in refine.py.
NAME_SECTORS = """\
SELECT
  coalesce(nullif(segment, ''), 'Sem setor') AS segment,
  DataCarteira, cod, part, theoricalQty
FROM raw"""
SUMS = {"part": "sum", "cod": "count", "theoricalQty": "sum"}
# Column of the sums → column and type of the table.
MAPPING = {
    "segment": ("string", "Setor", "string"),
    "DataCarteira": ("date", "Data", "date"),
    "sum(part)": ("decimal(16,3)", "soma_part", "decimal(16,3)"),
    "count(cod)": ("bigint", "total_codigo", "bigint"),
    "sum(theoricalQty)": ("bigint", "soma_qtd_teorica", "bigint"),
}
# Today is Sao Paulo's, whatever the time zone of the session.
COUNT_DAYS = """\
SELECT
  Setor, Data,
  soma_part,
  total_codigo,
  soma_qtd_teorica,
  DATEDIFF(convert_timezone('America/Sao_Paulo', localtimestamp()), Data) AS dias_desde_carteira
FROM myDataSource"""


def rules() -> str:
    """Those of quality.dqdl, with the columns as they are called here."""
    text = quality.ruleset(quality.without(quality.NOT_IN_THE_VISUAL_JOB))
    return text.replace('"data"', '"Data"').replace('"setor"', '"Setor"')


def nodes() -> dict[str, dict[str, dict]]:
    """Seven, each fed by the one before it."""
    return {
        "source": {
            "S3ParquetSource": {
                "Name": "Raw portfolios",
                "Paths": ["s3://${BucketName}/raw/"],
                "Recurse": True,
                "CompressionType": "snappy",
                "Exclusions": [],
                "AdditionalOptions": {"EnableSamplePath": False},
                "OutputSchemas": schema(RAW),
            }
        },
        "sectors": {
            "SparkSQL": {
                "Name": "Sem setor",
                "Inputs": ["source"],
                "SqlAliases": [{"From": "source", "Alias": "raw"}],
                "SqlQuery": NAME_SECTORS,
                "OutputSchemas": schema(
                    {name: RAW[name] for name in ("segment", "DataCarteira", *SUMS)}
                ),
            }
        },
        "aggregate": {
            "Aggregate": {
                "Name": "Sum by sector",
                "Inputs": ["sectors"],
                "Groups": [["segment"], ["DataCarteira"]],
                "Aggs": [{"Column": [name], "AggFunc": how} for name, how in SUMS.items()],
            }
        },
        "mapping": {
            "ApplyMapping": {
                "Name": "Rename",
                "Inputs": ["aggregate"],
                "Mapping": [
                    {"FromPath": [name], "FromType": found, "ToKey": new, "ToType": wanted}
                    | {"Dropped": False}
                    for name, (found, new, wanted) in MAPPING.items()
                ],
            }
        },
        "days": {
            "SparkSQL": {
                "Name": "Count days",
                "Inputs": ["mapping"],
                "SqlAliases": [{"From": "mapping", "Alias": "myDataSource"}],
                "SqlQuery": COUNT_DAYS,
                "OutputSchemas": schema(REFINED),
            }
        },
        "quality": {
            "EvaluateDataQuality": {
                "Name": "Quality",
                "Inputs": ["days"],
                "Ruleset": rules(),
                "Output": "PrimaryInput",
                "PublishingOptions": {
                    "EvaluationContext": "refined_visual",
                    "CloudWatchMetricsEnabled": False,
                    "ResultsPublishingEnabled": False,
                },
                "StopJobOnFailureOptions": {"StopJobOnFailureTiming": "Immediate"},
            }
        },
        "target": {
            "S3GlueParquetTarget": {
                "Name": "Refined, beside the script's",
                "Inputs": ["quality"],
                "PartitionKeys": [["Data"], ["Setor"]],
                "Path": "s3://${BucketName}/refined_visual/",
                "Compression": "snappy",
                # The stack's table has the schema; the job adds partitions to it.
                "SchemaChangePolicy": {
                    "EnableUpdateCatalog": True,
                    "UpdateBehavior": "LOG",
                    "Database": "${DatabaseName}",
                    "Table": "tb_ibov_refined_visual",
                },
            }
        },
    }


def schema(columns: dict[str, str]) -> list[dict]:
    return [{"Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()]}]


def definition() -> dict[str, Any]:
    """What CreateJob takes."""
    return {
        "Name": "${GlueJobName}_visual",
        "Description": "The refinement in Glue Studio, over all raw files, into refined_visual/",
        "JobMode": "VISUAL",
        "Role": "${VisualJobRole}",
        "GlueVersion": "5.1",
        "WorkerType": "G.1X",
        "NumberOfWorkers": 2,
        "ExecutionClass": "STANDARD",
        "Timeout": 15,
        "MaxRetries": 0,
        "JobRunQueuingEnabled": False,
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        # Where Glue puts the script that it generates from the nodes.
        "Command": {
            "Name": "glueetl",
            "PythonVersion": "3",
            "ScriptLocation": "s3://${BucketName}/scripts/${GlueJobName}_visual.py",
        },
        "DefaultArguments": {
            "--enable-glue-datacatalog": "true",
            "--job-language": "python",
            "--job-bookmark-option": "job-bookmark-disable",
            "--custom-logGroup-prefix": "/aws-glue/jobs/${StackName}",
        },
        "CodeGenConfigurationNodes": nodes(),
    }


def text() -> str:
    return json.dumps(definition(), ensure_ascii=False, indent=2) + "\n"


def filled(names: dict[str, str]) -> dict[str, Any]:
    """The definition with a stack's own names in it."""
    plain = {name: json.dumps(value)[1:-1] for name, value in names.items()}
    return json.loads(Template(FILE.read_text()).substitute(plain))


def create(stack: str) -> str:
    """Create the job of a stack, and say what it is called."""
    import boto3  # noqa: PLC0415  whoever only writes the file needs none

    formation = boto3.client("cloudformation")
    described = formation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    names = {output["OutputKey"]: output["OutputValue"] for output in described}
    role = formation.describe_stack_resource(StackName=stack, LogicalResourceId="VisualJobRole")
    names["VisualJobRole"] = role["StackResourceDetail"]["PhysicalResourceId"]
    return boto3.client("glue").create_job(**filled(names | {"StackName": stack}))["Name"]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="visual_job.py", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("create").add_argument("--stack", required=True)
    arguments = parser.parse_args(argv)
    if arguments.command == "create":
        name = create(arguments.stack)
        sys.stdout.write(f"{name} is created. Nothing starts it but you.\n")
    else:
        FILE.write_text(text())


if __name__ == "__main__":
    main(sys.argv[1:])
