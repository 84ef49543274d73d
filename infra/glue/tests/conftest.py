"""Fixtures: one Spark session for the whole suite, and a lake in memory."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

INFRA = Path(__file__).parents[2]
sys.path[:0] = [str(INFRA / "glue"), str(INFRA / "local")]

if TYPE_CHECKING:
    from lake import Lake
    from pyspark.sql import SparkSession

DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 23)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    from spark_session import local_spark

    with local_spark(tmp_path_factory.mktemp("spark"), "refine tests") as session:
        yield session


@pytest.fixture
def clients(lake: "Lake", monkeypatch: pytest.MonkeyPatch) -> None:
    """Connects the job's own clients to the lake."""
    import refine

    fakes = {"s3": lake.s3, "glue": lake.glue}
    monkeypatch.setattr(refine.boto3, "client", lambda service, config: fakes[service])


@pytest.fixture
def lake(spark: "SparkSession", tmp_path: Path) -> "Lake":
    from lake import Lake

    return Lake(spark, tmp_path)
