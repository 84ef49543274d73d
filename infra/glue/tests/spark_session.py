"""The Spark of local runs, for tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def local_spark(folder: Path, name: str) -> "Iterator[SparkSession]":
    from pyspark.sql import SparkSession

    from glue_local.spark import kill_spark, prepare_spark

    # With another encoding, Java would lose the accents in the names of folders.
    os.environ["LC_ALL"] = "C.UTF-8"
    prepare_spark(folder)
    session = SparkSession.builder.appName(name).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    kill_spark()
