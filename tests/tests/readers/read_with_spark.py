"""Print Parquet files as Spark reads them: one JSON document for all files of the command line.

Spark is set up as for a local Glue run. Its vectorised reader, the stricter one and the default,
must be the one that reads.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "infra" / "local"))

from pyspark.sql import SparkSession

from glue_local.spark import kill_spark, prepare_spark


def text(value: object) -> str | None:
    return None if value is None else str(value)


def read(spark: SparkSession, path: str) -> dict:
    found = spark.read.parquet(Path(path).as_uri())
    rows = [[text(value) for value in row] for row in found.collect()]
    vectorised = spark.conf.get("spark.sql.parquet.enableVectorizedReader")
    return {"columns": found.dtypes, "rows": rows, "facts": {"vectorised": vectorised}}


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        prepare_spark(Path(work))
        try:
            spark = SparkSession.builder.appName("readers").getOrCreate()
            spark.sparkContext.setLogLevel("ERROR")
            document = [read(spark, path) for path in sys.argv[1:]]
        finally:
            kill_spark()
    json.dump(document, sys.stdout, ensure_ascii=False)


main()
