"""The emulator's command-line settings."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    # The folder of everything that is written.
    state_dir: Path
    # The command for a Glue run; the script's path and arguments follow it.
    glue_runner: tuple[str, ...]
    # Length of a minute in a Glue job's Timeout: 60 seconds, unless a test needs an early timeout.
    glue_minute: float
    # Length of a minute of an alarm's period: 60 seconds, unless a test needs an early all-clear.
    alarm_minute: float
    # The bucket whose objects outlive the emulator, and the folder that holds them.
    kept_bucket: tuple[str, Path] | None = None

    @property
    def outbox(self) -> Path:
        return self.state_dir / "outbox.jsonl"

    @property
    def function_logs(self) -> Path:
        return self.state_dir / "logs"

    @property
    def glue(self) -> Path:
        return self.state_dir / "glue"
