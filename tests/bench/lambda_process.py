"""A function's process, driven through a stand-in of Lambda's Runtime API, and its cost.

A function without its Runtime API fails at its next poll and ends, so none outlives the benchmark.
"""

import contextlib
import ctypes
import json
import queue
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import servers

PREFIX = "/2018-06-01/runtime/"
TIMEOUT_SECONDS = 60
LOG_TAIL = 3000


class FunctionError(Exception):
    """A function ended, timed out, or reported an error."""


@dataclass(frozen=True)
class Answer:
    """What a function posted, and when it was received."""

    path: str
    body: bytes
    received: float


class RuntimeApi(servers.Server):
    """Lambda's side of the Runtime API, for one process."""

    def __init__(self) -> None:
        super().__init__(RuntimeHandler)
        self.polled: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.events: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.sent: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()


class RuntimeHandler(servers.Handler):
    server: RuntimeApi

    def do_GET(self) -> None:  # noqa: N802 — http.server's name
        """The long poll for the next event."""
        self.server.polled.put(time.perf_counter())
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        deadline = int((time.time() + TIMEOUT_SECONDS) * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": (
                "arn:aws:lambda:us-east-1:000000000000:function:bench"
            ),
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
        }
        self.server.sent.put(time.perf_counter())
        self.answer(200, event, headers)

    def do_POST(self) -> None:  # noqa: N802 — http.server's name
        body = self.body()
        path = self.path.removeprefix(PREFIX)
        self.server.answers.put(Answer(path, body, time.perf_counter()))
        self.answer(202)


@dataclass
class FunctionProcess:
    process: subprocess.Popen[bytes]
    api: RuntimeApi
    log: Path
    # From the start of the process to its first poll, which ends its initialisation.
    init_seconds: float = field(default=0.0)

    def call(self, event: Any) -> tuple[Any, float]:
        """The function's answer to an event, and the seconds that it took."""
        self.api.events.put(json.dumps(event).encode())
        sent = self.wait_for(self.api.sent)
        answer = self.wait_for(self.api.answers)
        if not answer.path.endswith("/response"):
            raise self.failed(f"it reported {answer.body.decode(errors='replace')}")
        # It has to poll again before it is measured or gets another event.
        self.wait_for(self.api.polled)
        return json.loads(answer.body), answer.received - sent

    def wait_for(self, arrivals: queue.SimpleQueue) -> Any:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return arrivals.get(timeout=0.2)
            if self.process.poll() is not None:
                raise self.failed(f"it ended with code {self.process.returncode}")
        raise self.failed(f"it did nothing for {TIMEOUT_SECONDS} s")

    def failed(self, what: str) -> FunctionError:
        log = self.log.read_text(errors="replace")[-LOG_TAIL:]
        return FunctionError(f"{self.process.args}: {what}\n{log}")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far, including those that have ended."""
        clock = ctypes.c_int()
        error = ctypes.CDLL(None).clock_getcpuclockid(self.process.pid, ctypes.byref(clock))
        if error:
            raise self.failed(f"its CPU clock cannot be read (error {error})")
        return time.clock_gettime(clock.value)

    def peak_mib(self) -> float:
        """The peak of its physical memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024


@contextlib.contextmanager
def started(
    command: list[str], environment: dict[str, str], log: Path
) -> Iterator[FunctionProcess]:
    """The process, waiting for its first event. It ends with the block."""
    api = RuntimeApi()
    environment = environment | {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
    }
    with servers.serving(api), log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        function = FunctionProcess(process, api, log)
        try:
            function.init_seconds = function.wait_for(api.polled) - start
            yield function
        finally:
            process.kill()
            process.wait()
            api.events.put(None)
