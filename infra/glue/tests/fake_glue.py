"""The part of the Glue catalog that the job uses, in memory, with Glue's limits and errors."""

# Names as boto3 spells them.
# ruff: noqa: N801, N803, N818

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

PAGE = 3  # small, so that a handful of partitions needs several pages
PARQUET = "org.apache.hadoop.hive.ql.io.parquet."
STORAGE = {
    "Columns": [{"Name": "soma_part", "Type": "decimal(16,3)"}],
    "Location": "the table's own, never a partition's",
    "InputFormat": f"{PARQUET}MapredParquetInputFormat",
    "OutputFormat": f"{PARQUET}MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": f"{PARQUET}serde.ParquetHiveSerDe"},
}


class EntityNotFoundException(ClientError):
    pass


class FakeGlue:
    """Stands in for boto3's Glue client."""

    class exceptions:
        EntityNotFoundException = EntityNotFoundException

    def __init__(self) -> None:
        self.table = {
            "PartitionKeys": [
                {"Name": "data", "Type": "date"},
                {"Name": "setor", "Type": "string"},
            ],
            "StorageDescriptor": STORAGE,
        }
        self.partitions: dict[tuple[str, str], dict] = {}
        self.refused: dict[str, tuple[str, str]] = {}  # sector → error code and message
        self.calls: list[tuple[str, int]] = []
        self.before_call = lambda name, partitions: None

    def get_table(self, DatabaseName: str, Name: str) -> dict:
        if (DatabaseName, Name) != ("default", "tb_ibov_refined"):
            error = {"Error": {"Code": "EntityNotFoundException", "Message": "Entity Not Found"}}
            raise EntityNotFoundException(error, "GetTable")
        return {"Table": self.table}

    def get_paginator(self, operation: str) -> "FakeGlue":
        assert operation == "get_partitions"
        return self

    def paginate(self, **arguments: Any) -> Iterator[dict]:
        """Pages of partitions. Like the local emulator, this ignores the expression."""
        assert arguments["DatabaseName"], arguments["TableName"]
        items = [
            {"Values": list(values), "StorageDescriptor": storage}
            for values, storage in sorted(self.partitions.items())
        ]
        self.calls.append(("get_partitions", len(items)))
        for start in range(0, max(len(items), 1), PAGE):
            yield {"Partitions": items[start : start + PAGE]}

    def batch_create_partition(
        self, DatabaseName: str, TableName: str, PartitionInputList: list[dict]
    ) -> dict:
        entries = [
            (tuple(entry["Values"]), entry["StorageDescriptor"]) for entry in PartitionInputList
        ]
        return self._each("create", 100, entries, exists=False, error_key="PartitionValues")

    def batch_update_partition(
        self, DatabaseName: str, TableName: str, Entries: list[dict]
    ) -> dict:
        entries = [
            (tuple(entry["PartitionValueList"]), entry["PartitionInput"]["StorageDescriptor"])
            for entry in Entries
        ]
        return self._each("update", 100, entries, exists=True, error_key="PartitionValueList")

    def batch_delete_partition(
        self, DatabaseName: str, TableName: str, PartitionsToDelete: list[dict]
    ) -> dict:
        entries = [(tuple(entry["Values"]), None) for entry in PartitionsToDelete]
        return self._each("delete", 25, entries, exists=True, error_key="PartitionValues")

    def _each(self, verb: str, limit: int, entries: list, *, exists: bool, error_key: str) -> dict:
        assert 0 < len(entries) <= limit, f"{verb} of {len(entries)} partitions, Glue takes {limit}"
        self.before_call(verb, [values for values, _ in entries])
        self.calls.append((verb, len(entries)))
        errors = []
        for values, storage in entries:
            refusal = self.refused.get(values[1])
            if refusal is None and (values in self.partitions) != exists:
                refusal = ("EntityNotFoundException" if exists else "AlreadyExistsException", "")
            if refusal is not None:
                detail = {"ErrorCode": refusal[0], "ErrorMessage": refusal[1]}
                errors.append({error_key: list(values), "ErrorDetail": detail})
            elif storage is None:
                del self.partitions[values]
            else:
                self.partitions[values] = storage
        return {"Errors": errors}
