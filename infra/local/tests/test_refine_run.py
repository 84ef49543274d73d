"""The deployed refine job on real Spark, with the role, the job and the table of the template."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator_process import LOCAL, SPARK, Emulator, running
from template_part import template_part
from test_athena import Lake
from test_glue_runs import JobRuns

DAY, OTHER_DAY = "2026-11-20", "2026-11-23"
CONTENT = "SELECT data, setor, soma_part, total_codigo, soma_qtd_teorica, dias_desde_carteira"
# What the raw file of a day holds: segment, cod, part, theoricalQty.
PORTFOLIO = [
    ("Bens Indls / Máqs e Equips", "WEGE3", "2.125", 10),
    ("Petróleo, Gás", "PETR3", "30.001", 6_000_000_000),
    ("Petróleo, Gás", "PETR4", "60.002", 4_000_000_000),
    (None, "B3SA3", "7.872", 1),
]
REFINED = [
    ["Bens Indls / Máqs e Equips", "2.125", "1", "10"],
    ["Petróleo, Gás", "90.003", "2", "10000000000"],
    ["Sem setor", "7.872", "1", "1"],
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Stack"]:
    with running(tmp_path_factory.mktemp("spark"), glue=SPARK) as emulator:
        yield Stack(emulator, "refine", tmp_path_factory.mktemp("files"))


class Stack(Lake):
    """The lake, the job and its rights, deployed from the template."""

    def __init__(self, emulator: Emulator, name: str, folder: Path) -> None:
        super().__init__(emulator, name, folder)
        self.job = JobRuns(emulator, name)
        template = template_part(
            *("LakeBucket", "GlueDatabase", "RefinedTable"),
            *("GlueJob", "GlueJobRole", "GlueOutputLogs", "GlueErrorLogs"),
        )
        bucket, job = (template["Resources"][kind] for kind in ("LakeBucket", "GlueJob"))
        # Nobody listens to this bucket.
        del bucket["DependsOn"], bucket["Properties"]["NotificationConfiguration"]
        job["Properties"]["Command"]["ScriptLocation"] = f"s3://{name}-code/refine.py"
        self.s3.create_bucket(Bucket=f"{name}-code")
        script = (LOCAL.parent / "glue" / "refine.py").read_bytes()
        self.s3.put_object(Bucket=f"{name}-code", Key="refine.py", Body=script)
        self.deploy(emulator, template)

    def deploy(self, emulator: Emulator, template: dict) -> None:
        parameters = {
            "AlertEmail": "nobody@example.com",
            "ArtifactBucket": f"{self.name}-code",
            "BucketName": self.name,
            "DatabaseName": self.name,
            "CreateDatabase": "true",
            "GlueJobName": self.name,
        }
        cloudformation = emulator.client("cloudformation")
        cloudformation.create_stack(
            StackName=self.name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    def put_raw(self, day: str, rows: list[tuple]) -> None:
        values = ", ".join(
            f"({segment_literal(segment)}, '{cod}', 'ACME', 'ON      NM', "
            f"{part}::DECIMAL(6,3), NULL::DECIMAL(6,3), {quantity}::BIGINT, DATE '{day}')"
            for segment, cod, part, quantity in rows
        )
        columns = 'segment, cod, asset, "type", part, "partAcum", "theoricalQty", "DataCarteira"'
        self.put_parquet(
            f"raw/date={day}/ibov_setor.parquet", f"SELECT * FROM (VALUES {values}) raw({columns})"
        )

    def move_partition(self, *values: str) -> None:
        table = {"DatabaseName": self.name, "TableName": "tb_ibov_refined"}
        storage = {"Location": f"s3://{self.name}/elsewhere/"}
        entry = {"Values": list(values), "StorageDescriptor": storage}
        update = {"PartitionValueList": list(values), "PartitionInput": entry}
        assert self.glue.batch_update_partition(**table, Entries=[update])["Errors"] == []

    def refine(self, *dates: str) -> dict:
        """Runs the job; gives the report that ends its log."""
        run_id = self.job.start(Arguments={"--dates": ",".join(dates), "--as_of": "2026-11-30"})
        run = self.job.ended(run_id, seconds=180)
        assert run["JobRunState"] == "SUCCEEDED", run["ErrorMessage"]
        return json.loads(self.job.log(run_id).splitlines()[-1])

    def table(self) -> list[list[str | None]]:
        return self.rows(f"{CONTENT} FROM tb_ibov_refined ORDER BY data, setor")[1:]

    def objects(self) -> list[str]:
        listing = self.s3.list_objects_v2(Bucket=self.name, Prefix="refined/")
        return [entry["Key"] for entry in listing["Contents"]]

    def locations(self) -> dict[tuple[str, ...], str]:
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.name, TableName="tb_ibov_refined"
        )
        return {
            tuple(partition["Values"]): partition["StorageDescriptor"]["Location"]
            for page in pages
            for partition in page["Partitions"]
        }


def segment_literal(segment: str | None) -> str:
    return "NULL::VARCHAR" if segment is None else f"'{segment}'"


def content(day: str, age: int, rows: list[list[str]]) -> list[list[str]]:
    return [[day, *row, str(age)] for row in rows]


def folder(day: str, sector: str) -> str:
    return f"refined/Data={day}/Setor={sector.replace('/', '%2F')}/"


def files_and_locations(stack: Stack, rows: list[list[str | None]]) -> None:
    """Each row of the table has one object, and its partition points there; there are no others."""
    folders = {(day, sector): folder(day, sector) for day, sector, *_ in rows}
    assert sorted(stack.objects()) == sorted(
        f"{path}part-00000.snappy.parquet" for path in folders.values()
    )
    assert stack.locations() == {
        values: f"s3://{stack.name}/{path}" for values, path in folders.items()
    }


def test_a_day_is_refined_and_refined_again_without_a_sector(stack: Stack) -> None:
    for day in (DAY, OTHER_DAY):
        stack.put_raw(day, PORTFOLIO)
    report = stack.refine(DAY, OTHER_DAY)
    assert (report["partitions_written"], report["partitions_dropped"]) == (6, 0)
    both = content(DAY, 10, REFINED) + content(OTHER_DAY, 7, REFINED)
    assert stack.table() == both
    files_and_locations(stack, both)

    # The sector without a name left, another one changed, and somebody moved a partition.
    stack.put_raw(DAY, [*PORTFOLIO[:2], ("Petróleo, Gás", "PETR4", "67.874", 4_000_000_001)])
    stack.move_partition(DAY, REFINED[0][0])
    report = stack.refine(DAY)
    assert (report["partitions_written"], report["partitions_dropped"]) == (2, 1)
    changed = [REFINED[0], ["Petróleo, Gás", "97.875", "2", "10000000001"]]
    now = content(DAY, 10, changed) + content(OTHER_DAY, 7, REFINED)
    assert stack.table() == now
    files_and_locations(stack, now)
