"""Rounds of measurements: in each round every function is started once and called many times."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import lambda_process
from work import Function, WrongWorkError


@dataclass
class Samples:
    """Measurements of one function in all rounds; times in ms."""

    init: list[float] = field(default_factory=list)
    # With one file of root certificates; the same as `init` for a function that loads none.
    bundle: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    def medians(self) -> dict[str, float]:
        return {
            "init_ms": median(self.init),
            "bundle_ms": median(self.bundle),
            "first_ms": median(self.first),
            "warm_ms": median(self.warm),
            "cpu_ms": median(self.cpu),
            "peak_mib": median(self.peak_mib),
        }


def all_rounds(
    functions: list[Function],
    rounds: int,
    calls: int,
    starts: int,
    bundle: str,
    logs: Path,
    progress: Callable[[str], None],
) -> dict[str, Samples]:
    """One round to warm the file cache, and then those that count.

    The functions take turns, so that other load of the machine affects all of them alike.
    """
    samples = {function.name: Samples() for function in functions}
    for number in range(rounds + 1):
        progress(f"round {number} of {rounds}" if number else "warming up")
        for function in functions:
            counted = samples[function.name] if number else Samples()
            log = logs / f"{function.name}.log"
            measure(function, calls, log, counted)
            measure_starts(function, starts, bundle, log, counted)
    return samples


def measure_starts(
    function: Function, starts: int, bundle: str, log: Path, samples: Samples
) -> None:
    """Measures more starts, with the system's root certificates and with one bundle in turn."""
    with_bundle = function.environment | {"SSL_CERT_FILE": bundle}
    for _ in range(starts):
        with lambda_process.started(function.command, function.environment, log) as process:
            samples.init.append(process.init_seconds * 1000)
        if not function.loads_roots:
            samples.bundle.append(process.init_seconds * 1000)
            continue
        with lambda_process.started(function.command, with_bundle, log) as process:
            samples.bundle.append(process.init_seconds * 1000)


def measure(function: Function, calls: int, log: Path, samples: Samples) -> None:
    """Measures one start, the first call, and `calls` warm ones."""
    with lambda_process.started(function.command, function.environment, log) as process:
        samples.init.append(process.init_seconds * 1000)
        samples.first.append(one_call(function, process))
        before = process.cpu_seconds()
        samples.warm += [one_call(function, process) for _ in range(calls)]
        samples.cpu.append((process.cpu_seconds() - before) * 1000 / calls)
        samples.peak_mib.append(process.peak_mib())


def one_call(function: Function, process: lambda_process.FunctionProcess) -> float:
    event = function.prepare()
    answer, seconds = process.call(event)
    try:
        function.check(answer)
    except WrongWorkError as error:
        raise process.failed(str(error)) from error
    return seconds * 1000
