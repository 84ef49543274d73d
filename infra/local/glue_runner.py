"""Run a Glue job's script on this machine, with its arguments as they are.

    glue_runner.py [--archive-later] <script.py> --key value …
    glue_runner.py --archive

The script runs in this process, on a real Spark, with the credentials of the environment (those of
the job's role). Exit code 0 means SUCCEEDED; otherwise the last line of stderr is the cause, as
Glue's ErrorMessage has it.

The first run that succeeds also makes an archive of Java's classes for later runs. That takes some
20 seconds: with --archive-later it leaves this to a call with --archive, which does nothing if the
archive is there.
"""

import contextlib
import os
import runpy
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from glue_local.spark import finish_spark, kill_spark, make_archive, prepare_spark

ARCHIVE = "--archive"
ARCHIVE_LATER = "--archive-later"


def main(argv: list[str]) -> int:
    # SIGTERM becomes an exception, so that `finally` also ends Java and removes the working folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if argv == [ARCHIVE]:
        try:
            make_archive()
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        return 0
    is_later = argv[:1] == [ARCHIVE_LATER]
    argv = argv[1:] if is_later else argv
    if not argv or argv[0].startswith("--"):
        sys.stderr.write("glue_runner.py: name the script first, then its arguments\n")
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="glue-run-") as work:
            try:
                run_job(Path(argv[0]), argv[1:], Path(work))
                finish_spark()
            finally:
                kill_spark()
    except Exception as error:
        traceback.print_exc()
        cause = next((line for line in str(error).splitlines() if line.strip()), "no message")
        sys.stderr.write(f"{type(error).__name__}: {cause}\n")
        return 1
    if not is_later:
        with contextlib.suppress(OSError):
            make_archive()
    return 0


def run_job(script: Path, arguments: list[str], work: Path) -> None:
    prepare_spark(work)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Without pyspark's exit handlers: they would talk to a Java that is gone, and print after the
    # line with the cause.
    os._exit(code)
