"""The emulator's end: none of its processes stays behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import QueueWithDeadLetters, Roles
from emulator_process import LOCAL, Emulator, alive, descendants, eventually, running
from test_functions import Function, reader
from test_glue_runs import SLEEP, Job

SECONDS_TO_END = 5.0
WAYS_TO_END: dict[str, Callable[[Emulator], None]] = {
    "end of its standard input": lambda emulator: emulator.process.stdin.close(),
    "SIGTERM": lambda emulator: emulator.process.send_signal(signal.SIGTERM),
    "SIGINT": lambda emulator: emulator.process.send_signal(signal.SIGINT),
    "SIGKILL": lambda emulator: emulator.process.kill(),
    "SIGKILL of the server": lambda emulator: os.kill(emulator.server_pid(), signal.SIGKILL),
}


def start_a_function_and_a_run(emulator: Emulator) -> None:
    """Starts processes that could stay behind."""
    roles = Roles(emulator, "left")
    queue = QueueWithDeadLetters(emulator, "left")
    function = Function(
        emulator, "left", roles.allowing("lambda", *reader(queue)), queue.arn, timeout=30
    )
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps({"hang": True}))
    emulator.client("s3").create_bucket(Bucket="left")
    read = ("s3:GetObject", "arn:aws:s3:::left/*")
    job = Job(emulator, "left", roles.allowing("glue", read), SLEEP)
    job.processes(job.start())
    function.first("message")


@pytest.mark.parametrize("way", WAYS_TO_END)
def test_nothing_is_left_after(way: str, tmp_path: Path) -> None:
    with running(tmp_path / "state") as emulator:
        start_a_function_and_a_run(emulator)
        processes = descendants(emulator.process.pid)
        # The server, a function, a run and the run's own child.
        assert len(processes) >= 4
        began = time.monotonic()

        WAYS_TO_END[way](emulator)

        emulator.process.wait(timeout=SECONDS_TO_END)
        eventually(
            lambda: not [pid for pid in processes if alive(pid)],
            "all its processes are gone",
            SECONDS_TO_END,
        )
        assert time.monotonic() - began < SECONDS_TO_END


def test_it_listens_on_its_port_of_the_loopback_alone(emulator: Emulator) -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.fail("this check reads /proc: run it on Linux")
    server = emulator.server_pid()
    sockets = {
        os.readlink(descriptor).removeprefix("socket:[").removesuffix("]")
        for descriptor in Path(f"/proc/{server}/fd").iterdir()
        if descriptor.is_symlink() and "socket:" in os.readlink(descriptor)
    }
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and rest[5] in sockets:
                address, port = local.split(":")
                listening.append((address, int(port, 16)))
    assert ("0100007F", emulator.port) in listening
    # The other ports are the Runtime APIs of functions, which are on the loopback too.
    assert {address for address, _ in listening} == {"0100007F"}


def test_another_version_of_ministack_is_refused_by_name(tmp_path: Path) -> None:
    package = tmp_path / "ministack-9.9.9.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 9.9.9\n")
    refused = subprocess.run(
        [sys.executable, "-c", "import pinned; pinned.check_version()"],
        cwd=LOCAL / "emulator",
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "ministack 9.9.9 is installed, but this plug-in patches 1.5.33" in refused.stderr


def test_a_patched_name_that_is_gone_is_refused_by_name() -> None:
    refused = subprocess.run(
        [sys.executable, "-c", "import json, pinned; pinned.require(json, 'loads', '_gone')"],
        cwd=LOCAL / "emulator",
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "json has no _gone, which this plug-in patches" in refused.stderr
