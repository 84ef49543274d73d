"""A bucket that is kept in a folder, over emulators that were killed."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError

from emulator import athena_rows
from emulator_process import Emulator, eventually, running

BUCKET = "kept"
RAW = "raw/date=2026-11-20/ibov_setor.parquet"
ESCAPED = "refined/Data=2026-11-20/Setor=Bens Indls %2F Máqs/part-00000.snappy.parquet"
OTHER = "refined/Data=2026-11-23/Setor=Saúde/part-00000.snappy.parquet"
TEMPLATE = {
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": BUCKET,
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
        "Database": {
            "Type": "AWS::Glue::Database",
            "Properties": {"CatalogId": "000000000000", "DatabaseInput": {"Name": "db"}},
        },
        "Table": {
            "Type": "AWS::Glue::Table",
            "DependsOn": ["Bucket", "Database"],
            "Properties": {
                "CatalogId": "000000000000",
                "DatabaseName": "db",
                "TableInput": {
                    "Name": "refined",
                    "TableType": "EXTERNAL_TABLE",
                    "Parameters": {"classification": "parquet"},
                    "PartitionKeys": [
                        {"Name": "data", "Type": "date"},
                        {"Name": "setor", "Type": "string"},
                    ],
                    "StorageDescriptor": {
                        "Location": f"s3://{BUCKET}/refined/",
                        "InputFormat": "parquet",
                        "Columns": [{"Name": "soma", "Type": "bigint"}],
                    },
                },
            },
        },
    }
}


@contextlib.contextmanager
def over(folder: Path, state_dir: Path) -> Iterator[Emulator]:
    """An emulator with a new stack over the folder. It is killed at the end."""
    with running(state_dir, options=("--keep-bucket", f"{BUCKET}={folder}")) as emulator:
        cloudformation = emulator.client("cloudformation")
        cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))

        def ended() -> str | None:
            status = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]
            return None if status.endswith("IN_PROGRESS") else status

        assert eventually(ended, "the stack is created") == "CREATE_COMPLETE"
        yield emulator
        os.kill(emulator.server_pid(), signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a lake"


def keys(emulator: Emulator) -> list[str]:
    answer = emulator.client("s3").list_objects_v2(Bucket=BUCKET)
    return [found["Key"] for found in answer.get("Contents", [])]


def rows(emulator: Emulator) -> list[list[str]]:
    athena: Any = emulator.client("athena")
    query = athena.start_query_execution(
        QueryString="SELECT data, setor, soma FROM db.refined ORDER BY data",
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/athena/"},
    )["QueryExecutionId"]

    def state() -> str | None:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return None if status["State"] in ("QUEUED", "RUNNING") else status["State"]

    assert eventually(state, "the query ends") == "SUCCEEDED"
    found = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell["VarCharValue"] for cell in row["Data"]] for row in found[1:]]


def parquet(folder: Path, soma: int) -> bytes:
    path = folder.parent / "file.parquet"
    duckdb.sql(f"COPY (SELECT CAST({soma} AS BIGINT) AS soma) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def test_objects_metadata_and_partitions_outlive_the_emulator(folder: Path, tmp_path: Path) -> None:
    with over(folder, tmp_path / "1") as emulator:
        s3: Any = emulator.client("s3")
        s3.put_object(Bucket=BUCKET, Key=RAW, Body=b"old", Metadata={"landing-key": "old"})
        raw = s3.put_object(Bucket=BUCKET, Key=RAW, Body=b"new", Metadata={"landing-key": "new"})
        s3.put_object(Bucket=BUCKET, Key=ESCAPED, Body=parquet(folder, 1))
        s3.put_object(Bucket=BUCKET, Key=OTHER, Body=parquet(folder, 2))
        s3.put_object(Bucket=BUCKET, Key="landing/gone.json", Body=b"{}")
        s3.delete_object(Bucket=BUCKET, Key="landing/gone.json")
        for key in ("athena/1.csv", "control/refine/failed/date=2026-11-20/e/r"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"not kept")
    assert (folder / RAW).read_bytes() == b"new"
    assert not (folder / "landing").exists()

    with over(folder, tmp_path / "2") as emulator:
        s3 = emulator.client("s3")
        assert keys(emulator) == [RAW, ESCAPED, OTHER]
        head = s3.head_object(Bucket=BUCKET, Key=RAW)
        assert head["ETag"] == raw["ETag"]
        assert head["Metadata"] == {"landing-key": "new"}
        assert head["ContentLength"] == 3
        assert s3.get_object(Bucket=BUCKET, Key=RAW)["Body"].read() == b"new"
        expected = [["2026-11-20", "Bens Indls / Máqs", "1"], ["2026-11-23", "Saúde", "2"]]
        assert rows(emulator) == expected
        # What was kept can be replaced and deleted as in the emulator that wrote it.
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket=BUCKET, Key=RAW, Body=b"newer", IfMatch='"other"')
        s3.put_object(Bucket=BUCKET, Key=RAW, Body=b"newer", IfMatch=raw["ETag"])
        assert s3.head_object(Bucket=BUCKET, Key=RAW)["Metadata"] == {}
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": ESCAPED}]})
    with over(folder, tmp_path / "3") as emulator:
        assert keys(emulator) == [RAW, OTHER]
        assert emulator.client("s3").head_object(Bucket=BUCKET, Key=RAW)["Metadata"] == {}
        assert rows(emulator) == expected[1:]


def test_what_cannot_be_written_is_refused_and_not_there(folder: Path, tmp_path: Path) -> None:
    with over(folder, tmp_path / "1") as emulator:
        s3: Any = emulator.client("s3")
        # A full disk, as far as a test can have one.
        (folder / "landing").write_bytes(b"a file where a folder belongs")
        for key in ("landing/1.json", "raw/../../outside.json"):
            with pytest.raises(ClientError) as refused:
                s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert keys(emulator) == []
        assert not (tmp_path / "outside.json").exists()


def test_rows_of_many_files_are_those_of_the_files_as_they_are(tmp_path: Path) -> None:
    count = athena_rows.MANY + 5
    files = [tmp_path / f"refined/{number:04}.parquet" for number in range(count)]
    (tmp_path / "refined").mkdir()
    for number, file in enumerate(files):
        write(file, number)

    def soma(of: list[Path]) -> list[int]:
        rows = athena_rows.sources([str(file) for file in of], tmp_path)
        found = duckdb.sql(f"SELECT soma, __file, __stamp FROM {rows.relation}").fetchall()
        return sorted(soma for soma, file, stamp in found if rows.stamps.get(file) == stamp)

    chunks = tmp_path / ".ibov" / "rows"
    assert soma(files[:3]) == [0, 1, 2]
    assert not chunks.exists()
    assert soma(files) == list(range(count))
    assert len(list(chunks.iterdir())) == 2, "a chunk and its index"
    # Replaced, gone and new.
    write(files[0], 9_000_000)
    added = tmp_path / "refined/new.parquet"
    write(added, 8_000_000)
    now = [*files[:1], *files[2:], added]
    assert soma(now) == [*range(2, count), 8_000_000, 9_000_000]
    # Another one's copy of the lake, where all times are others.
    for file in files:
        os.utime(file)
    assert soma(files) == [*range(1, count), 9_000_000]


def write(file: Path, soma: int) -> None:
    duckdb.sql(f"COPY (SELECT CAST({soma} AS BIGINT) AS soma) TO '{file}' (FORMAT parquet)")
