import base64
import datetime
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from emulator_process import Emulator, eventually

SECTOR = "Bens Indls / Máqs e Equips"
ESCAPED = "Bens Indls %2F Máqs e Equips"
REFINED_COLUMNS = [
    {"Name": "soma_part", "Type": "decimal(16,3)"},
    {"Name": "total_codigo", "Type": "bigint"},
]


class Lake:
    """A bucket, a database of the same name, and queries over both."""

    def __init__(self, emulator: Emulator, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.s3, self.glue = emulator.client("s3"), emulator.client("glue")
        self.athena = emulator.client("athena")

    def put_parquet(self, key: str, select: str, options: str = "", **more: Any) -> None:
        path = self.folder / "file.parquet"
        duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet{options})")
        self.s3.put_object(Bucket=self.name, Key=key, Body=path.read_bytes(), **more)

    def create_table(
        self, table: str, location: str, columns: list, keys: list, **parameters: str
    ) -> None:
        storage = {
            "Columns": columns,
            "Location": f"s3://{self.name}/{location}",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        }
        self.glue.create_table(
            DatabaseName=self.name,
            TableInput={
                "Name": table,
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": storage,
                "PartitionKeys": keys,
                "Parameters": {"classification": "parquet", **parameters},
            },
        )

    def create_partition(self, table: str, values: list[str], location: str) -> None:
        storage = {"Location": f"s3://{self.name}/{location}"}
        self.glue.create_partition(
            DatabaseName=self.name,
            TableName=table,
            PartitionInput={"Values": values, "StorageDescriptor": storage},
        )

    def rows(self, sql: str) -> list[list[str | None]]:
        """The rows of Athena's API: texts, the header first."""
        status, query_id = self.ended(sql)
        assert status["State"] == "SUCCEEDED", status
        answer = self.athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer]

    def ended(self, sql: str, **more: Any) -> tuple[dict[str, Any], str]:
        query_id = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.name},
            ResultConfiguration={"OutputLocation": f"s3://{self.name}/athena/"},
            **more,
        )["QueryExecutionId"]

        def status() -> dict[str, Any]:
            execution = self.athena.get_query_execution(QueryExecutionId=query_id)
            return execution["QueryExecution"]["Status"]

        eventually(lambda: status()["State"] in ("SUCCEEDED", "FAILED"), f"{sql} ends")
        return status(), query_id


@pytest.fixture
def lake(emulator: Emulator, name: str, tmp_path: Path) -> Lake:
    made = Lake(emulator, name, tmp_path)
    made.s3.create_bucket(Bucket=name)
    made.glue.create_database(DatabaseInput={"Name": name})
    return made


@pytest.fixture
def refined(lake: Lake) -> Lake:
    """A refined table with one registered partition, whose file has a column that the table
    lacks."""
    keys = [{"Name": "data", "Type": "date"}, {"Name": "setor", "Type": "string"}]
    lake.create_table("refined", "refined/", REFINED_COLUMNS, keys)
    folder = f"refined/Data=2026-11-20/Setor={ESCAPED}/"
    lake.put_parquet(
        folder + "part-0.parquet",
        "SELECT 2.660::DECIMAL(16,3) AS soma_part, 3::BIGINT AS total_codigo, 'x' AS hidden",
    )
    lake.create_partition("refined", ["2026-11-20", SECTOR], folder)
    return lake


def test_rows_come_from_registered_partitions_with_the_catalogs_values(refined: Lake) -> None:
    assert refined.rows("SELECT * FROM refined") == [
        ["soma_part", "total_codigo", "data", "setor"],
        ["2.660", "3", "2026-11-20", SECTOR],
    ]


def test_a_folder_that_nobody_registered_has_no_rows(refined: Lake) -> None:
    refined.put_parquet(
        "refined/Data=2026-11-19/Setor=Outro/part-0.parquet",
        "SELECT 1.000::DECIMAL(16,3) AS soma_part, 1::BIGINT AS total_codigo",
    )
    assert refined.rows("SELECT count(*) FROM refined")[1] == ["1"]


def test_partitions_can_be_filtered_joined_and_named_in_full(refined: Lake) -> None:
    sql = f"""
        SELECT refined.setor, sum(b.soma_part) FROM "{refined.name}"."refined"
        JOIN refined b ON b.setor = refined.setor
        WHERE refined.data = DATE '2026-11-20' GROUP BY 1
    """
    assert refined.rows(sql)[1] == [SECTOR, "2.660"]


def test_a_registered_partition_without_objects_has_no_rows(refined: Lake) -> None:
    refined.create_partition("refined", ["2026-11-18", "Vazio"], "refined/empty/")
    assert refined.rows("SELECT count(*) FROM refined")[1] == ["1"]


def test_a_table_without_partitions_has_its_columns_and_no_rows(lake: Lake) -> None:
    lake.create_table("empty", "empty/", REFINED_COLUMNS, [{"Name": "data", "Type": "date"}])
    assert lake.rows("SELECT * FROM empty") == [["soma_part", "total_codigo", "data"]]


def test_a_projected_date_is_found_inside_its_range_only(lake: Lake) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    soon, late = today + datetime.timedelta(days=9), today + datetime.timedelta(days=11)
    lake.create_table(
        "raw",
        "raw/",
        [{"Name": "cod", "Type": "string"}, {"Name": "theoricalqty", "Type": "bigint"}],
        [{"Name": "date", "Type": "date"}],
        **{
            "projection.enabled": "true",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": "2020-01-01,NOW+10DAYS",
        },
    )
    for day in ("2019-12-31", "2026-11-20", str(soon), str(late)):
        lake.put_parquet(
            f"raw/date={day}/ibov_setor.parquet",
            "SELECT 'PETR4' AS cod, 6000000000::BIGINT AS \"theoricalQty\"",
        )
    expected = sorted([["PETR4", "6000000000", "2026-11-20"], ["PETR4", "6000000000", str(soon)]])
    assert lake.rows("SELECT * FROM raw ORDER BY raw.date")[1:] == expected


def test_a_view_of_the_catalog_is_queried_like_a_table(refined: Lake, emulator: Emulator) -> None:
    view = {
        "originalSql": "SELECT setor, soma_part * 2 AS dobro FROM refined",
        "catalog": "awsdatacatalog",
        "schema": refined.name,
        "columns": [],
    }
    wrapped = base64.b64encode(json.dumps(view).encode()).decode()
    refined.glue.create_table(
        DatabaseName=refined.name,
        TableInput={
            "Name": "vw",
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": f"/* Presto View: {wrapped} */",
            "ViewExpandedText": "/* Presto View */",
            "Parameters": {"presto_view": "true"},
            "StorageDescriptor": {"Columns": [{"Name": "setor", "Type": "string"}]},
        },
    )
    assert refined.rows("SELECT dobro FROM vw WHERE setor LIKE 'Bens%'")[1] == ["5.320"]


def test_create_view_adds_one_to_the_catalog(refined: Lake) -> None:
    refined.rows("CREATE OR REPLACE VIEW vw_total AS SELECT sum(soma_part) AS total FROM refined")
    table = refined.glue.get_table(DatabaseName=refined.name, Name="vw_total")["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert refined.rows("SELECT total FROM vw_total")[1] == ["2.660"]
    refined.rows("CREATE OR REPLACE VIEW vw_total AS SELECT count(*) AS total FROM refined")
    assert refined.rows("SELECT total FROM vw_total")[1] == ["1"]


def test_a_query_that_cannot_run_fails_with_its_cause(refined: Lake) -> None:
    status, _ = refined.ended("SELECT no_such_column FROM refined")
    assert status["State"] == "FAILED"
    assert "no_such_column" in status["StateChangeReason"]
