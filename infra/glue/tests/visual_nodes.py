"""The nodes of the visual job on a local Spark, each doing what Glue Studio's own does.

Glue generates a script from the nodes. What stands here per kind of node is the part of that script
that matters for rows and types: `groupBy().agg()` with Spark's names for the sums, a cast for each
mapping, a view for each alias.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dqdl import holds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


class QualityError(Exception):
    """A rule of the quality node does not hold, so the job stops."""


class Nodes:
    """A run of the job; `bucket` is the folder that its bucket lies in."""

    def __init__(self, spark: SparkSession, bucket: Path) -> None:
        self.spark, self.bucket = spark, bucket
        self.frames: dict[str, DataFrame] = {}

    def run(self, nodes: dict[str, dict[str, dict]]) -> None:
        waiting = dict(nodes)
        while waiting:
            ready = [
                name
                for name, node in waiting.items()
                if all(
                    fed in self.frames
                    for (said,) in [node.values()]
                    for fed in said.get("Inputs", [])
                )
            ]
            assert ready, f"nothing feeds {sorted(waiting)}"
            for name in ready:
                ((kind, said),) = waiting.pop(name).items()
                work: Callable[..., DataFrame] = getattr(self, kind)
                self.frames[name] = work(
                    said, *(self.frames[fed] for fed in said.get("Inputs", []))
                )

    def path(self, url: str) -> str:
        return (self.bucket / url.removeprefix("s3://").partition("/")[2]).as_uri()

    def S3ParquetSource(self, said: dict) -> DataFrame:  # noqa: N802
        (path,) = said["Paths"]
        reader = self.spark.read.option("recursiveFileLookup", said["Recurse"])
        found = reader.parquet(self.path(path))
        assert dict(found.dtypes) == columns(said)
        return found

    def SparkSQL(self, said: dict, *inputs: DataFrame) -> DataFrame:  # noqa: N802
        named = dict(zip(said["Inputs"], inputs, strict=True))
        for alias in said["SqlAliases"]:
            named[alias["From"]].createOrReplaceTempView(alias["Alias"])
        found = self.spark.sql(said["SqlQuery"])
        assert dict(found.dtypes) == columns(said)
        return found

    def Aggregate(self, said: dict, source: DataFrame) -> DataFrame:  # noqa: N802
        groups = [name for (name,) in said["Groups"]]
        sums = [getattr(F, each["AggFunc"])(*each["Column"]) for each in said["Aggs"]]
        return source.groupBy(*groups).agg(*sums)

    def ApplyMapping(self, said: dict, source: DataFrame) -> DataFrame:  # noqa: N802
        kept = []
        for each in (each for each in said["Mapping"] if not each["Dropped"]):
            (name,) = each["FromPath"]
            assert dict(source.dtypes)[name] == each["FromType"], name
            kept.append(F.col(f"`{name}`").cast(each["ToType"]).alias(each["ToKey"]))
        return source.select(*kept)

    def EvaluateDataQuality(self, said: dict, source: DataFrame) -> DataFrame:  # noqa: N802
        assert said["Output"] == "PrimaryInput"
        assert said["StopJobOnFailureOptions"] == {"StopJobOnFailureTiming": "Immediate"}
        body = re.fullmatch(r"Rules = \[\n(.*)\n\]\n", said["Ruleset"], re.DOTALL)
        assert body
        for rule in body[1].split(",\n"):
            if not holds(rule.strip(), source):
                raise QualityError(rule.strip())
        return source

    def S3GlueParquetTarget(self, said: dict, source: DataFrame) -> DataFrame:  # noqa: N802
        keys = [name for (name,) in said["PartitionKeys"]]
        # Glue's sink adds files, and leaves alone what is there.
        writer = source.coalesce(1).write.mode("append").partitionBy(*keys)
        writer.option("compression", said["Compression"]).parquet(self.path(said["Path"]))
        return source


def columns(said: dict[str, Any]) -> dict[str, str]:
    (schema,) = said["OutputSchemas"]
    return {column["Name"]: column["Type"] for column in schema["Columns"]}
