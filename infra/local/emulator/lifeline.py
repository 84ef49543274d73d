"""The server's side of `supervisor.py`: it ends when the supervisor does.

The supervisor holds the other end of this process's standard input. When the supervisor ends for
any reason, the pipe reaches end of file and this process kills its own session: itself, the
functions, and the Glue runs.
"""

import os
import signal
import threading
from collections.abc import Callable


def hold(before_the_end: Callable[[], None]) -> None:
    """Starts watching. `before_the_end` kills the processes of other groups."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        try:
            before_the_end()
        finally:
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
