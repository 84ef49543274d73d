"""The deployed refine job on real Spark, with the role, the job and the table of the template."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from emulator_process import LOCAL, SPARK, Emulator, running
from template_part import template_part
from test_athena import Lake
from test_glue_runs import JobRuns

DAY, OTHER_DAY, NO_DAY, BAD_DAY = "2026-11-20", "2026-11-23", "2026-11-24", "2026-11-25"
CONTENT = "SELECT data, setor, soma_part, total_codigo, soma_qtd_teorica, dias_desde_carteira"
# Rows of a day's raw file: segment, cod, part, theoricalQty.
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
        # This bucket has no notifications.
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
        part, quantity = (sum(Decimal(row[place]) for row in rows) for place in (2, 3))
        totals = f"{{'total-part': '{part}', 'total-theorical-qty': '{quantity}'}}"
        self.put_parquet(
            raw_key(day),
            f"SELECT * FROM (VALUES {values}) raw({columns})",
            f", KV_METADATA {totals}",
            Metadata={"landing-key": f"landing/{day}", "content-hash": f"of {len(rows)} rows"},
        )

    def etag(self, day: str) -> str:
        return self.s3.head_object(Bucket=self.name, Key=raw_key(day))["ETag"].strip('"')

    def move_partition(self, *values: str) -> None:
        table = {"DatabaseName": self.name, "TableName": "tb_ibov_refined"}
        storage = {"Location": f"s3://{self.name}/elsewhere/"}
        entry = {"Values": list(values), "StorageDescriptor": storage}
        update = {"PartitionValueList": list(values), "PartitionInput": entry}
        assert self.glue.batch_update_partition(**table, Entries=[update])["Errors"] == []

    def run_of(self, *dates: str) -> dict:
        run_id = self.job.start(Arguments={"--dates": ",".join(dates), "--as_of": "2026-11-30"})
        return self.job.ended(run_id, seconds=180)

    def refine(self, *dates: str) -> dict:
        """Runs the job, and returns the report at the end of its log."""
        run = self.run_of(*dates)
        assert run["JobRunState"] == "SUCCEEDED", run["ErrorMessage"]
        return json.loads(self.job.log(run["Id"]).splitlines()[-1]) | {"run": run["Id"]}

    def done(self) -> dict[str, dict]:
        """The job's records: `2026-11-20/<etag>` → what the rows were made from."""
        return self._bodies("control/refine/done/date=")

    def marks(self) -> dict[str, dict]:
        """The job's marks of failures: `2026-11-20/<etag>/<run id>` → the mark."""
        return self._bodies("control/refine/failed/date=")

    def _bodies(self, prefix: str) -> dict[str, dict]:
        bodies = {
            key: self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
            for key in self.objects(prefix)
        }
        return {key.removeprefix(prefix): json.loads(body) for key, body in bodies.items()}

    def table(self) -> list[list[str | None]]:
        return self.rows(f"{CONTENT} FROM tb_ibov_refined ORDER BY data, setor")[1:]

    def objects(self, prefix: str = "refined/") -> list[str]:
        listing = self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for entry in listing.get("Contents", [])]

    def locations(self) -> dict[tuple[str, ...], str]:
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.name, TableName="tb_ibov_refined"
        )
        return {
            tuple(partition["Values"]): partition["StorageDescriptor"]["Location"]
            for page in pages
            for partition in page["Partitions"]
        }


def raw_key(day: str) -> str:
    return f"raw/date={day}/ibov_setor.parquet"


def segment_literal(segment: str | None) -> str:
    return "NULL::VARCHAR" if segment is None else f"'{segment}'"


def content(day: str, age: int, rows: list[list[str]]) -> list[list[str]]:
    return [[day, *row, str(age)] for row in rows]


def folder(day: str, sector: str) -> str:
    return f"refined/Data={day}/Setor={sector.replace('/', '%2F')}/"


def files_and_locations(stack: Stack, rows: list[list[str | None]]) -> None:
    """Checks that each row of the table has exactly one object, at its partition's location."""
    folders = {(day, sector): folder(day, sector) for day, sector, *_ in rows}
    assert sorted(stack.objects()) == sorted(
        f"{path}part-00000.snappy.parquet" for path in folders.values()
    )
    assert stack.locations() == {
        values: f"s3://{stack.name}/{path}" for values, path in folders.items()
    }


def recorded(stack: Stack, runs: dict[str, str], rows: dict[str, int]) -> None:
    """Checks that `done` names each day's current raw object and the run that read it."""
    found = stack.done()
    assert all(record.pop("started_at").endswith("Z") for record in found.values())
    assert found == {
        f"{day}/{stack.etag(day)}": {
            "landing_key": f"landing/{day}",
            "content": f"of {rows[day]} rows",
            "run_id": run,
        }
        for day, run in runs.items()
    }


# The two runs together use every right of the job's role.
def test_a_day_is_refined_and_refined_again_without_a_sector(stack: Stack) -> None:
    for day in (DAY, OTHER_DAY):
        stack.put_raw(day, PORTFOLIO)
    report = stack.refine(DAY, OTHER_DAY)
    assert (report["partitions_written"], report["partitions_dropped"]) == (6, 0)
    both = content(DAY, 10, REFINED) + content(OTHER_DAY, 7, REFINED)
    assert stack.table() == both
    files_and_locations(stack, both)
    first = report["run"]
    recorded(stack, {DAY: first, OTHER_DAY: first}, {DAY: 4, OTHER_DAY: 4})

    # The sector without a name is gone, another changed, and a partition was moved by hand. A third
    # day has no raw object, and a fourth an unreadable one: they fail the run without stopping
    # others.
    stack.put_raw(DAY, [*PORTFOLIO[:2], ("Petróleo, Gás", "PETR4", "67.874", 4_000_000_001)])
    stack.move_partition(DAY, REFINED[0][0])
    stack.s3.put_object(Bucket=stack.name, Key=raw_key(BAD_DAY), Body=b"<html>sorry</html>")
    run = stack.run_of(DAY, NO_DAY, BAD_DAY)
    missing = f"s3://{stack.name}/{raw_key(NO_DAY)} does not exist: fetch that date"
    unreadable = f"s3://{stack.name}/{raw_key(BAD_DAY)} cannot be read as Parquet"
    assert f"2 of 3 dates failed: {NO_DAY}: {missing}" in run["ErrorMessage"]
    assert f"; {BAD_DAY}: {unreadable}" in run["ErrorMessage"]
    log = stack.job.log(run["Id"]).splitlines()
    assert any(line.startswith(f"{NO_DAY} failed: {missing}") for line in log)
    assert not [line for line in log if "could not be marked" in line]
    ((mark, said),) = stack.marks().items()
    assert mark == f"{BAD_DAY}/{stack.etag(BAD_DAY)}/{run['Id']}"
    assert said["cause"].startswith(unreadable)
    changed = [REFINED[0], ["Petróleo, Gás", "97.875", "2", "10000000001"]]
    now = content(DAY, 10, changed) + content(OTHER_DAY, 7, REFINED)
    assert stack.table() == now
    files_and_locations(stack, now)
    recorded(stack, {DAY: run["Id"], OTHER_DAY: first}, {DAY: 3, OTHER_DAY: 4})
