import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

INFRA = Path(__file__).parents[3]
# The lake in memory of the Glue job's tests makes the refined rows.
sys.path[:0] = [str(INFRA / part) for part in ("athena/notebook", "glue", "glue/tests", "local")]

import reader_packages

reader_packages.make_importable()

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-notebook", action="store_true", help="write the outputs into the notebook"
    )


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    from spark_session import local_spark

    with local_spark(tmp_path_factory.mktemp("spark"), "notebook") as session:
        yield session
