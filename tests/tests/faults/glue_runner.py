"""Carries out a Glue run in the place of Spark, in half a second, as its test ordered.

The order is the file `glue-orders/<job name>` in the emulator's state folder: `fail <message>`
writes the message to stderr and fails; `hang` waits until there is another order, or until the run
is killed; no file, or an empty one, means to succeed. A run that succeeds writes, for each of its
dates, which landing object the raw file was made from: `refined/Data=<date>/made-from`.
"""

import os
import sys
import time
from pathlib import Path

POLL_SECONDS = 0.05


def order(job: str) -> str:
    """The test's order for runs of this job, or an empty text."""
    file = Path(os.environ["TMPDIR"]).parent / "glue-orders" / job
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def refine(arguments: dict[str, str]) -> None:
    """Leaves behind what each date was made from, with the rights of the job's role."""
    import boto3  # takes longer than all the rest: only for runs that need it

    s3 = boto3.client("s3")
    bucket = arguments["--source"].removeprefix("s3://").split("/")[0]
    for date in arguments["--dates"].split(","):
        raw = s3.get_object(Bucket=bucket, Key=f"raw/date={date}/{arguments['--filename']}")
        s3.put_object(
            Bucket=bucket,
            Key=f"refined/Data={date}/made-from",
            Body=raw["Metadata"]["landing-key"].encode(),
        )


def main(argv: list[str]) -> int:
    arguments = dict(zip(argv[1::2], argv[2::2], strict=True))
    job = arguments["--JOB_NAME"]
    while order(job) == "hang":
        time.sleep(POLL_SECONDS)
    command, _, message = order(job).partition(" ")
    if command == "fail":
        print(message, file=sys.stderr)
        return 1
    refine(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
