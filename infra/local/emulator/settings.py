"""What the emulator was told on its command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    # Everything that is written goes below this folder.
    state_dir: Path
    # The command that carries out a Glue run, before the script's path and its arguments.
    glue_runner: tuple[str, ...]
    # How many seconds one minute of a Glue job's Timeout lasts. 60 unless a test wants a timeout
    # soon.
    glue_minute: float

    @property
    def outbox(self) -> Path:
        return self.state_dir / "outbox.jsonl"

    @property
    def function_logs(self) -> Path:
        return self.state_dir / "logs"

    @property
    def glue(self) -> Path:
        return self.state_dir / "glue"
