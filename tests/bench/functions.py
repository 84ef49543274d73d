"""The cost of each function, compared with a Python function that does the same work.

    .ibov/venv/bin/python tests/bench/functions.py

Builds the functions in the release profile, sets up `.ibov/bench` for the Python ones, and drives
the real binaries through a stand-in of Lambda's Runtime API. B3 and AWS are stand-ins in this
process (`aws.py` says why it is not the emulator). The functions take turns, because only the
ratios are meaningful: the milliseconds depend on this machine and its load. `bounds.py` has the
bounds that the ratios are held against, which the table shows; a missed one is no error, since
other load moves them. It needs Linux and Python 3.11 or newer.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import local_run
import measure
import prepare
import report
import servers
from aws import Account
from b3 import B3
from lambda_process import FunctionError
from work import Chain

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EVENTS = ROOT / "events"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--profile", default="release", help="Cargo's profile: release or dev")
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help='a setting for Cargo, such as profile.release.lto="thin", which builds sooner',
    )
    parser.add_argument("--rounds", type=positive, default=7, help="starts of each function")
    parser.add_argument("--calls", type=positive, default=30, help="warm calls after each start")
    parser.add_argument(
        "--starts",
        type=positive,
        default=3,
        help="more starts of each function in each round, each with all roots and with a bundle",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON document, not a table")
    parser.add_argument(
        "--local-run",
        action="store_true",
        help="measure the memory of `cargo ibov run --sample` instead",
    )
    return parser.parse_args()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    say("building the functions")
    binaries = prepare.build(ROOT, arguments.profile, arguments.config)
    say("setting up .ibov/bench")
    python = prepare.python_of_reference(ROOT, HERE / "requirements.txt")
    before = os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ibov-bench-")))
        account, b3 = Account(), B3(EVENTS / "b3-portfolio-day.json")
        stack.enter_context(servers.serving(account))
        stack.enter_context(servers.serving(b3))
        chain = Chain(account, b3.address, EVENTS, temporary)
        functions = chain.functions(binaries, python, HERE / "reference" / "loop.py")
        samples = measure.all_rounds(
            functions,
            arguments.rounds,
            arguments.calls,
            arguments.starts,
            prepare.bundle(),
            logs=temporary,
            progress=say,
        )
    heading = {
        "machine": prepare.machine(),
        "load": [before, os.getloadavg()[0]],
        "versions": prepare.versions(ROOT, python),
        "profile": arguments.profile,
        "cargo_settings": arguments.config,
        "rounds": arguments.rounds,
        "calls": arguments.calls,
        "starts": arguments.starts,
    }
    sizes = {name: prepare.zipped_mb(binary) for name, binary in binaries.items()}
    return report.document(heading, samples, sizes)


def run(arguments: argparse.Namespace) -> None:
    if arguments.local_run:
        peak = local_run.measure(ROOT)
        found = {"local_run": {"peak_mib": peak.mib, "programs_mib": peak.programs}}
        text = local_run.text(peak)
    else:
        found = compare(arguments)
        text = report.table(found)
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else text)


def main() -> int:
    # SIGTERM becomes an exception, so that the blocks end the processes that they started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = parse_arguments()
    if sys.platform != "linux":
        say("the benchmark reads memory and processor time from /proc, which only Linux has")
        return 3
    try:
        run(arguments)
    except (FunctionError, subprocess.CalledProcessError, OSError) as error:
        say(f"the benchmark failed: {error}")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
