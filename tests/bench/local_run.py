"""The peak memory of `cargo ibov run --sample`, all its processes together."""

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import prepare

SAMPLE_SECONDS = 0.1
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Peak:
    # Resident memory. Shared pages count once per process, so this is an upper bound.
    mib: float
    # The same by program, largest first.
    programs: dict[str, float]


@dataclass(frozen=True)
class Process:
    parent: int
    program: str
    mib: float


def measure(root: Path) -> Peak:
    """Builds everything first, so that no compiler is measured, and then measures a run."""
    binaries = [word for name in ("ibov", *prepare.FUNCTIONS) for word in ("--bin", name)]
    build = ["cargo", "build", "--workspace", *binaries]
    subprocess.run(build, cwd=root, check=True, stdout=sys.stderr)
    run = subprocess.Popen(
        ["cargo", "ibov", "run", "--sample", "--json"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        peak = Peak(0, {})
        while run.poll() is None:
            peak = max(peak, memory_below(run.pid), key=lambda found: found.mib)
            time.sleep(SAMPLE_SECONDS)
    finally:
        # `ibov` ends everything that it started.
        if run.poll() is None:
            run.terminate()
            run.wait()
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, run.args)
    return peak


def memory_below(pid: int) -> Peak:
    """The current memory of a process and its descendants."""
    processes = all_processes()
    below = {pid}
    grown = True
    while grown:
        found = {child for child, process in processes.items() if process.parent in below}
        grown = not found <= below
        below |= found
    programs: Counter[str] = Counter()
    for member in below & processes.keys():
        programs[processes[member].program] += processes[member].mib
    return Peak(sum(programs.values()), dict(programs.most_common()))


def all_processes() -> dict[int, Process]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # It has just ended.
            # The name is in brackets and may contain any character.
            program, _, rest = stat.partition("(")[2].rpartition(")")
            fields = rest.split()
            found[int(folder.name)] = Process(int(fields[1]), program, int(fields[21]) * PAGE_MIB)
    return found


def text(peak: Peak) -> str:
    programs = ", ".join(f"{name} {mib:.0f}" for name, mib in list(peak.programs.items())[:5])
    return (
        f"cargo ibov run --sample: {peak.mib:.0f} MiB at its peak, all processes together"
        f" (at that moment: {programs})"
    )
