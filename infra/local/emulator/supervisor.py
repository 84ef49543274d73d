"""Keeps the emulator's processes from outliving the process that started it.

Two processes watch each other: this one starts the server in a session of its own and waits; the
server watches a pipe that only this process holds open (see `lifeline.py`). If either dies, even by
SIGKILL, the other kills the whole session. On Linux this process also adopts orphans, so that it
can wait until all of them are gone.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
# Grace period of the server.
ASK_SECONDS = 1.0
# How long to wait for orphans to end before leaving them to init.
REAP_SECONDS = 3.0


def supervise(command: list[str], environment: dict[str, str]) -> int:
    """Runs `command` until it ends or this process is asked to end. Returns the exit code for the
    shell."""
    adopt_orphans()
    with wakeup_pipe() as asked_to_end:
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, start_new_session=True
        )
        ended_by_itself = False
        try:
            ended_by_itself = wait_for_end(server, asked_to_end)
        finally:
            kill_everything(server)
    return (server.returncode or 0) if ended_by_itself else 0


def adopt_orphans() -> None:
    """On Linux, makes orphaned grandchildren children of this process instead of init's."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextlib.contextmanager
def wakeup_pipe() -> Iterator[int]:
    """A descriptor that becomes readable when SIGTERM, SIGINT, SIGHUP or SIGCHLD arrives."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        # The wakeup descriptor is only written if there is a handler. The byte is the signal's
        # number.
        signal.signal(number, lambda *_: None)
    # Otherwise reading standard input would stop this process in a terminal's background.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


def wait_for_end(server: subprocess.Popen, signals: int) -> bool:
    """Waits for a signal, the end of standard input, or the server's end, which returns True."""
    selector = selectors.DefaultSelector()
    selector.register(signals, selectors.EVENT_READ)
    # epoll refuses regular files, which are at their end already.
    try:
        selector.register(0, selectors.EVENT_READ)
    except (PermissionError, ValueError, OSError):
        return False
    while True:
        for key, _ in selector.select():
            if key.fd == 0:
                if at_end(0):
                    return False
                continue
            received = os.read(signals, 64)
            if any(byte != signal.SIGCHLD for byte in received):
                return False
            if server.poll() is not None:
                return True


def at_end(descriptor: int) -> bool:
    """Reads available input; True at end of file. An unreadable terminal has not ended."""
    try:
        return os.read(descriptor, 4096) == b""
    except OSError:
        time.sleep(0.2)
        return False


def kill_everything(server: subprocess.Popen) -> None:
    """Kills the server's session and every adopted orphan, and waits until they are gone.

    The server is first asked by the end of its standard input, because only it knows the Glue runs,
    which are sessions of their own. SIGKILL follows soon, because the server has no state to save.
    """
    server.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(timeout=ASK_SECONDS)
    deadline = time.monotonic() + REAP_SECONDS
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, signal.SIGKILL)
        for child in own_children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        if server.poll() is not None and not collect_orphans():
            return
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def own_children() -> list[int]:
    """Ids of all children including adopted ones; none if the system does not list them."""
    children: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += [int(word) for word in listing.read_text().split()]
    return children


def collect_orphans() -> bool:
    """Collects the exit codes of adopted processes. True while some of them still run."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return False
    return True
