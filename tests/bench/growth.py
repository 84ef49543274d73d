"""How the cost of a portfolio and of a date changes with their number.

    .ibov/venv/bin/python tests/bench/growth.py writer     # parquet-writer, 1 to 10,000 portfolios
    .ibov/venv/bin/python tests/bench/growth.py job        # the Glue job, 1 to 2,500 dates
    .ibov/venv/bin/python tests/bench/growth.py write      # writing alone, beside other libraries

`writer` calls the release build with batches as SQS delivers them, on the stand-ins of
functions.py. `job` runs on the local Glue and the emulator, as refine_job.py does. `write` gives
the rows of one portfolio to the functions' own encoder, to arrow-rs, pyarrow, polars and DuckDB in
turn, in processes of their own. Flat lines and ratios mean something, the milliseconds are this
machine's. Needs Linux.
"""

import argparse
import contextlib
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import lambda_process
import portfolios
import prepare
import servers
from aws import Account, StoredObject
from b3 import B3
from functions import EVENTS, HERE, ROOT
from work import Chain, require, sqs_event

PORTFOLIOS = (1, 10, 100, 1_000, 10_000)
DATES = (1, 10, 60, 366, 2_500)
# As the event source mapping of the parquet queue.
BATCH = 10
FIRST = date(2000, 1, 3)
RUST, PYTHON = ("arrow2", "arrow-rs"), ("pyarrow", "polars", "DuckDB")
WRITES, ROUNDS = 500, 5


def writer(counts: list[int]) -> None:
    binaries = prepare.build(ROOT, "release", [])
    with account_and_chain() as (account, chain):
        envelope = json.loads(fetched(account, chain, binaries))
        row = "{:>10}" * 5
        print(row.format("portfolios", "wall ms", "CPU ms", "all s", "peak MiB"))
        for count in counts:
            account.delete("")
            wall, cpu, peak = written(account, chain, binaries["parquet-writer"], envelope, count)
            each = (f"{wall * 1000 / count:.2f}", f"{cpu * 1000 / count:.2f}")
            print(row.format(count, *each, f"{wall:.1f}", f"{peak:.0f}"), flush=True)


@contextlib.contextmanager
def account_and_chain() -> Iterator[tuple[Account, Chain]]:
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ibov-bench-")))
        account, b3 = Account(), B3(EVENTS / "b3-portfolio-day.json")
        stack.enter_context(servers.serving(account))
        stack.enter_context(servers.serving(b3))
        yield account, Chain(account, b3.address, EVENTS, temporary)


def fetched(account: Account, chain: Chain, binaries: dict[str, Path]) -> bytes:
    """The landing object that the fetcher makes of the sample."""
    command = [str(binaries["fetcher"])]
    with process_of(chain, command) as process:
        process.call(chain.before_fetcher())
    _, stored = chain.only("landing/", "fetcher")
    return stored.body


def written(
    account: Account, chain: Chain, binary: Path, envelope: dict[str, Any], count: int
) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak MiB of as many portfolios, after a batch of others."""
    days = portfolios.sessions(count + BATCH, FIRST)
    keys = []
    for key, body in portfolios.landing_objects(envelope, days):
        account.objects[key] = StoredObject(body)
        keys.append(key)
    batches = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
    with process_of(chain, [str(binary)]) as process:
        first, *others = batches
        wall = 0.0
        process.call(batch_of(chain, first))
        before = process.cpu_seconds()
        for batch in others:
            answer, seconds = process.call(batch_of(chain, batch))
            require(answer == {"batchItemFailures": []}, "parquet-writer", answer)
            wall += seconds
        cpu, peak = process.cpu_seconds() - before, process.peak_mib()
    raw = len(account.keys("raw/"))
    require(raw == count + BATCH, "parquet-writer", f"{raw} files")
    return wall, cpu, peak


def process_of(
    chain: Chain, command: list[str]
) -> contextlib.AbstractContextManager[lambda_process.FunctionProcess]:
    log = Path(chain.environment["HOME"]) / "function.log"
    return lambda_process.started(command, chain.environment, log)


def batch_of(chain: Chain, keys: list[str]) -> dict[str, Any]:
    messages = [sqs_event(chain.created("s3-landing-created.json", key)) for key in keys]
    return {"Records": [record for message in messages for record in message["Records"]]}


def job(counts: list[int]) -> None:
    # Reads the job's own source, for which it needs the packages of `.ibov/venv`.
    import refine_job

    after = refine_job.Job(
        "after", ROOT / "infra/glue/refine.py", ROOT / "infra/local/glue_runner.py"
    )
    row = "{:>8}{:>6}" + "{:>15}" * 4 + "{:>10}" * 2
    each = ["wall ms/date", "CPU ms/date", "wall ms beyond", "CPU ms beyond"]
    print(row.format("dates", "runs", *each, "all s", "peak MiB"))
    with refine_job.emulator_with_raw_objects(max(counts)) as aws:
        refine_job.run(after, aws, 1, "first")
        start = refine_job.run(after, aws, 1, "start")
        for count in counts:
            cost = refine_job.run(after, aws, count, f"of_{count}")
            figures = [f"{seconds * 1000 / count:.0f}" for seconds in (cost.wall_s, cost.cpu_s)]
            runs = math.ceil(count / refine_job.MOST_DATES)
            # What each date costs that a run has beyond its first.
            more = (cost.wall_s - runs * start.wall_s, cost.cpu_s - runs * start.cpu_s)
            beyond = [
                f"{seconds * 1000 / (count - runs):.1f}" if count > runs else "" for seconds in more
            ]
            totals = (f"{cost.wall_s:.1f}", f"{cost.peak_mib:.0f}")
            print(row.format(count, runs, *figures, *beyond, *totals), flush=True)


def write() -> None:
    target = ROOT / "target" / "peers"
    manifest = HERE / "peers" / "Cargo.toml"
    build = ["cargo", "build", "--release", "--manifest-path", str(manifest)]
    subprocess.run([*build, "--target-dir", str(target)], check=True)
    python = prepare.python_of_reference(ROOT, HERE / "requirements.txt")
    binaries = prepare.build(ROOT, "release", [])
    with account_and_chain() as (account, chain):
        landing = Path(chain.environment["HOME"]) / "landing.json"
        landing.write_bytes(fetched(account, chain, binaries))
        commands = {name: [str(target / "release" / "peers"), name] for name in RUST}
        program = [str(python), str(HERE / "writing.py")]
        commands |= {name: [*program, name] for name in PYTHON}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                words = [*command, str(WRITES), str(landing)]
                output = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
                found[name].append(json.loads(output))
    row = "{:<10}" + "{:>10}" * 4
    print(row.format("", "wall ms", "CPU ms", "CPU ratio", "bytes"))
    own = median(each["cpu_s"] for each in found["arrow2"])
    for name, samples in found.items():
        wall = median(each["wall_s"] for each in samples) * 1000
        cpu = median(each["cpu_s"] for each in samples)
        size = samples[0]["bytes"]
        print(row.format(name, f"{wall:.3f}", f"{cpu * 1000:.3f}", f"×{cpu / own:.1f}", size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["writer", "job", "write"])
    parser.add_argument("counts", nargs="*", type=int, help=f"{PORTFOLIOS} or {DATES}")
    arguments = parser.parse_args()
    match arguments.what:
        case "writer":
            writer(arguments.counts or list(PORTFOLIOS))
        case "job":
            job(arguments.counts or list(DATES))
        case _:
            write()


if __name__ == "__main__":
    sys.exit(main())
