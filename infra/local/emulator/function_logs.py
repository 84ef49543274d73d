"""What functions print, as it is printed: one file per function, `logs/<function>.log`.

CloudWatch Logs (which ministack fills after each invocation) stays as it is; these files are what a
person or a test follows while a function runs, and what is left when its environment was killed.
Only the function's own lines are in them: no START, END or REPORT.

Patches in `ministack.core.lambda_runtime`: `ProvidedWorker._pump_output` (functions on `provided.*`
runtimes).
"""

import queue
import re
from pathlib import Path
from typing import IO, Any, BinaryIO

from ministack.core import lambda_runtime

import pinned
from settings import Settings


def install(settings: Settings) -> None:
    pinned.require(lambda_runtime, "ProvidedWorker")
    pinned.require(lambda_runtime.ProvidedWorker, "_pump_output")
    pump = lambda_runtime.ProvidedWorker._pump_output

    def pump_and_copy(worker: Any, stream: BinaryIO, lines: "queue.Queue[str]") -> None:
        pump(worker, CopiedLines(stream, log_file(settings, worker.func_name)), lines)

    lambda_runtime.ProvidedWorker._pump_output = pump_and_copy


def log_file(settings: Settings, function: str) -> Path:
    """The function's log; a name that came as an ARN must not become a path of its own."""
    return settings.function_logs / (re.sub(r"[^A-Za-z0-9_.-]", "_", function) + ".log")


class CopiedLines:
    """A stream that appends each line it hands out to a file, whole lines only."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        # Unbuffered and in append mode: two environments of one function never cut into each
        # other's lines.
        self._copy: IO[bytes] = path.open("ab", buffering=0)

    def readline(self) -> bytes:
        line = self._stream.readline()
        if line:
            self._copy.write(line if line.endswith(b"\n") else line + b"\n")
        return line

    def close(self) -> None:
        self._stream.close()
        self._copy.close()
