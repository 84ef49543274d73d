"""A function's environment starts although another process has its bootstrap open for writing.

Linux refuses to execute such a file (ETXTBSY). ministack closes the file first, but a process that
was forked in between, such as a Glue run, holds it open until it executes its own program. That
takes milliseconds, but makes ministack fail the invocation. This module retries the start for a
while.

Patches in `ministack.core.lambda_runtime`: `ProvidedWorker._spawn`. Uses `ProvidedRuntimeError`.
"""

import errno
import logging
import time
from typing import Any

from ministack.core import lambda_runtime

import pinned

logger = logging.getLogger("emulator.function_starts")
PAUSE_SECONDS = 0.02
# Much longer than a process takes from fork to exec.
BUSY_SECONDS = 5.0


def install() -> None:
    pinned.require(lambda_runtime, "ProvidedWorker", "ProvidedRuntimeError")
    pinned.require(lambda_runtime.ProvidedWorker, "_spawn")
    spawn = lambda_runtime.ProvidedWorker._spawn

    def spawn_when_free(worker: Any, init_timeout: float | None = None) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        told = False
        while True:
            try:
                return spawn(worker, init_timeout)
            except lambda_runtime.ProvidedRuntimeError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            if not told:
                logger.info("%s starts as soon as its bootstrap is closed", worker.func_name)
                told = True
            time.sleep(PAUSE_SECONDS)

    lambda_runtime.ProvidedWorker._spawn = spawn_when_free


def is_busy(error: Exception) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ETXTBSY
