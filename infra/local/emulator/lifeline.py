"""The server's half of the bargain in `supervisor.py`: no supervisor, no server.

The supervisor holds the other end of our standard input. When it is gone, for whatever reason, the
pipe reaches end of file and this process kills its own session: itself, the functions, and the Glue
runs it has started.
"""

import os
import signal
import threading
from collections.abc import Callable


def hold(before_the_end: Callable[[], None]) -> None:
    """Starts the watch. `before_the_end` kills what lives in other process groups."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        try:
            before_the_end()
        finally:
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
