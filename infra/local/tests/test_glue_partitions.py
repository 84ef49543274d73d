"""The catalog calls of the refine job, under IAM."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conftest import Roles
from emulator_process import Emulator

KEYS = [{"Name": "data", "Type": "date"}, {"Name": "setor", "Type": "string"}]
DAYS = ("2026-11-19", "2026-11-20", "2026-11-23")
CALLS = ("GetTable", "GetPartitions", "BatchCreatePartition", "BatchDeletePartition")


class Table:
    """A table in a database of its own."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.glue, self.database = emulator.client("glue"), name
        self.name = {"DatabaseName": name, "TableName": "t"}
        self.storage = {
            "Location": "s3://lake/refined/",
            "Columns": [{"Name": "soma_part", "Type": "decimal(16,3)"}],
        }
        table = {"Name": "t", "PartitionKeys": KEYS, "StorageDescriptor": self.storage}
        self.glue.create_database(DatabaseInput={"Name": name})
        self.glue.create_table(DatabaseName=name, TableInput=table)

    def entry(self, values: list[str], location: str = "s3://lake/refined/x/") -> dict[str, Any]:
        return {"Values": values, "StorageDescriptor": {**self.storage, "Location": location}}

    def create(self, *partitions: list[str]) -> list[dict[str, Any]]:
        entries = [self.entry(values) for values in partitions]
        return self.glue.batch_create_partition(**self.name, PartitionInputList=entries)["Errors"]

    def delete(self, *partitions: list[str]) -> list[dict[str, Any]]:
        entries = [{"Values": values} for values in partitions]
        return self.glue.batch_delete_partition(**self.name, PartitionsToDelete=entries)["Errors"]

    def partitions(self, **more: Any) -> list[dict[str, Any]]:
        pages = self.glue.get_paginator("get_partitions").paginate(**self.name, **more)
        return [partition for page in pages for partition in page["Partitions"]]

    def values(self, **more: Any) -> list[list[str]]:
        return [partition["Values"] for partition in self.partitions(**more)]


@pytest.fixture
def table(emulator: Emulator, name: str) -> Table:
    return Table(emulator, name)


def test_deleted_partitions_are_gone_and_unknown_ones_are_told(table: Table) -> None:
    stays, goes, unknown = (["2026-11-20", sector] for sector in ("Petr/Gás", "Bancos", "Outros"))
    table.create(stays, goes)
    errors = table.delete(goes, unknown)
    assert [(error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) for error in errors] == [
        (unknown, "EntityNotFoundException")
    ]
    assert table.values() == [stays]


def test_a_partition_is_created_once_and_updated_in_place(table: Table) -> None:
    values, unknown = ["2026-11-20", "Bancos"], ["2026-11-20", "Outros"]
    assert table.create(values) == []
    (exists,) = table.create(values)
    assert exists["PartitionValues"] == values
    assert exists["ErrorDetail"]["ErrorCode"] == "AlreadyExistsException"
    entries = [
        {"PartitionValueList": key, "PartitionInput": table.entry(key, "s3://lake/new/")}
        for key in (values, unknown)
    ]
    (missing,) = table.glue.batch_update_partition(**table.name, Entries=entries)["Errors"]
    assert missing["PartitionValueList"] == unknown
    assert missing["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    (partition,) = table.partitions(ExcludeColumnSchema=True)
    assert partition["StorageDescriptor"] == {"Location": "s3://lake/new/"}


def test_partitions_come_in_pages_and_by_expression(table: Table) -> None:
    partitions = [[day, f"Setor {number}"] for day in DAYS for number in range(50)]
    table.create(*partitions[:100])
    table.create(*partitions[100:])
    assert "NextToken" in table.glue.get_partitions(**table.name)
    assert table.values() == partitions
    assert table.values(Expression="data > '2026-11-19' AND data <= '2026-11-20'") == [
        values for values in partitions if values[0] == "2026-11-20"
    ]


@pytest.mark.parametrize("expression", ["data = 20261120", "date = '2026-11-20'", "x OR y"])
def test_an_expression_that_is_not_understood_is_refused(table: Table, expression: str) -> None:
    with pytest.raises(ClientError, match="InvalidInputException"):
        table.values(Expression=expression)


def test_more_partitions_than_a_call_may_carry_are_refused(table: Table) -> None:
    too_many: dict[Callable[..., Any], int] = {table.create: 101, table.delete: 26}
    for call, count in too_many.items():
        with pytest.raises(ClientError, match="ValidationException"):
            call(*[["2026-11-20", str(number)] for number in range(count)])


def test_partitions_of_an_unknown_table_are_refused(table: Table) -> None:
    table.name["TableName"] = "nowhere"
    for call in (table.create, table.delete):
        with pytest.raises(ClientError, match="EntityNotFoundException"):
            call(["2026-11-20", "Bancos"])


@pytest.mark.parametrize("lacking", ["nothing", "catalog", "database", "table"])
def test_a_caller_needs_rights_to_catalog_database_and_table(
    emulator: Emulator, table: Table, role: Roles, lacking: str
) -> None:
    resources = {
        "catalog": "catalog",
        "database": f"database/{table.database}",
        "table": f"table/{table.database}/t",
    }
    prefix = "arn:aws:glue:us-east-1:000000000000:"
    grants = [
        (f"glue:{call}", prefix + path)
        for call in CALLS
        for kind, path in resources.items()
        if kind != lacking
    ]
    table.glue = emulator.as_role(role.allowing("glue", *grants), "glue")
    calls: list[Callable[[], Any]] = [
        lambda: table.glue.get_table(DatabaseName=table.database, Name="t"),
        table.values,
        lambda: table.create(["2026-11-20", "Bancos"]),
        lambda: table.delete(["2026-11-20", "Bancos"]),
    ]
    for call in calls:
        if lacking == "nothing":
            call()
            continue
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
