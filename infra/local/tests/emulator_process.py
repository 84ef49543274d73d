"""An emulator for tests, started as users start it, on a free port, and always stopped."""

import contextlib
import functools
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
LOCAL = HERE.parent
STARTUP_SECONDS = 30.0
T = TypeVar("T")


@dataclass(frozen=True)
class GlueRunner:
    """The program for Glue runs, and the length of a minute in their timeouts."""

    script: Path
    minute: int


PLAIN_PYTHON = GlueRunner(HERE / "sample_glue_runner.py", minute=1)
SPARK = GlueRunner(LOCAL / "glue_runner.py", minute=60)


@dataclass(frozen=True)
class Emulator:
    port: int
    state_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @functools.cache  # noqa: B019 — making a client costs more than the calls of a test
    def client(
        self, service: str, key: str = "test", secret: str = "test", token: str | None = None
    ) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30),
        )

    def as_role(self, role_arn: str, service: str) -> Any:
        """A client with the rights of a role."""
        session = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
        keys = session["Credentials"]
        return self.client(
            service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )

    def server_pid(self) -> int:
        """The server process.

        It is found by its command line: the supervisor adopts orphans too, and process ids start
        again from low numbers.
        """
        return next(pid for pid in descendants(self.process.pid) if "server.py" in arguments(pid))


@contextlib.contextmanager
def running(
    state_dir: Path,
    environment: dict[str, str] | None = None,
    glue: GlueRunner = PLAIN_PYTHON,
    options: tuple[str, ...] = (),
) -> Iterator[Emulator]:
    """A running emulator. It is stopped when the block ends or fails."""
    emulator = launch(state_dir, environment or {}, glue, options)
    try:
        wait_until_healthy(emulator)
        yield emulator
    finally:
        emulator.process.stdin.close()
        try:
            emulator.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            emulator.process.kill()
            emulator.process.wait()


def launch(
    state_dir: Path,
    environment: dict[str, str],
    glue: GlueRunner,
    options: tuple[str, ...] = (),
) -> Emulator:
    port = free_port()
    state_dir.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, str(LOCAL / "emulator")),
        *("--port", str(port)),
        *("--state-dir", str(state_dir)),
        *("--glue-runner", shlex.join((sys.executable, str(glue.script)))),
        *("--glue-minute", str(glue.minute)),
        *options,
    ]
    with (state_dir / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Emulator(port, state_dir, process)


def wait_until_healthy(emulator: Emulator) -> None:
    def answers() -> bool:
        if emulator.process.poll() is not None:
            log = (emulator.state_dir / "emulator.log").read_text()
            raise AssertionError(f"the emulator ended while starting:\n{log}")
        try:
            with urllib.request.urlopen(
                f"{emulator.endpoint}/_ministack/health", timeout=2
            ) as health:
                return health.status == 200
        except OSError:
            return False

    eventually(answers, "the emulator answers", STARTUP_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(probe: Callable[[], T], what: str, seconds: float = 15.0) -> T:
    """The first truthy result of `probe`. Fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds} s: {what}"
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    """The processes below `pid`, children first."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    children: dict[int, list[int]] = {}
    for line in listing.splitlines():
        child, parent = (int(word) for word in line.split())
        children.setdefault(parent, []).append(child)
    found = list(children.get(pid, []))
    for process in found:
        found += children.get(process, [])
    return found


def arguments(pid: int) -> str:
    """The command line of a process; empty if it has ended."""
    return subprocess.run(
        ["ps", "-o", "args=", "-ww", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")
