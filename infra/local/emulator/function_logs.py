"""Output of functions while they run: one file per function, `logs/<function>.log`.

CloudWatch Logs, which ministack fills after each invocation, are unchanged. People and tests follow
these files while a function runs, and they survive when its environment is killed. They hold only
the function's own lines, without START, END and REPORT.

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
    """The function's log. A name given as an ARN must not become another path."""
    return settings.function_logs / (re.sub(r"[^A-Za-z0-9_.-]", "_", function) + ".log")


class CopiedLines:
    """A stream that also appends each line that is read from it to a file, in whole lines."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        # Unbuffered and in append mode, so that the lines of a function's two environments do not
        # mix.
        self._copy: IO[bytes] = path.open("ab", buffering=0)

    def readline(self) -> bytes:
        line = self._stream.readline()
        if line:
            self._copy.write(line if line.endswith(b"\n") else line + b"\n")
        return line

    def close(self) -> None:
        self._stream.close()
        self._copy.close()
