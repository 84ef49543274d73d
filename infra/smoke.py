"""Asks a deployed stack for the portfolio of now, and waits until that date is refined.

    python infra/smoke.py --stack ibov

It needs boto3 and credentials for the account. It leaves what any fetch leaves: at most one more
session in the lake. Exit code 1 says that a message was parked, or that the time was over.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

STAGES = ("Fetch", "Parquet", "Glue", "Completion")
WAITING = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SmokeTestError(Exception):
    """Says what is wrong with the stack, for people."""


class Stack:
    def __init__(self, name: str, client: Callable[[str], Any] = boto3.client) -> None:
        self.name = name
        self.sqs, self.s3, self.glue = client("sqs"), client("s3"), client("glue")
        (stack,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.parameters = {
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in stack["Parameters"]
        }
        self.bucket = self.outputs["BucketName"]

    def ask(self) -> None:
        self.sqs.send_message(QueueUrl=self.outputs["FetchQueueUrl"], MessageBody="{}")

    def parked(self) -> dict[str, int]:
        """How many messages wait in each dead-letter queue."""
        return {stage: self._count(f"{stage}DlqUrl") for stage in STAGES}

    def is_asking(self) -> bool:
        """Whether a fetch request waits or is being handled."""
        return self._count("FetchQueueUrl") > 0

    def _count(self, queue: str) -> int:
        url = self.outputs[queue]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(WAITING))
        return sum(int(answer["Attributes"][name]) for name in WAITING)

    def newest_answer(self) -> tuple[str, str] | None:
        """The newest session in landing/, and the key of its newest answer."""
        prefix = f"landing/index={self.parameters['IndexCode']}/"
        pages = self._pages(Prefix=prefix, Delimiter="/")
        days = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        if not days:
            return None
        newest = max(days)
        # Keys begin with the time of the fetch.
        key = max(self._keys(newest))
        return newest.removeprefix(prefix).removeprefix("date=").rstrip("/"), key

    def unrefined(self, day: str, answer: str) -> str | None:
        """What the refined rows of a session still wait for, if anything."""
        raw = f"raw/date={day}/{self.parameters['FileName']}"
        try:
            head = self.s3.head_object(Bucket=self.bucket, Key=raw)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            return f"{raw} is not there"
        if head["Metadata"].get("landing-key") != answer:
            return f"{raw} is not made of {answer}"
        done = f"control/refine/done/date={day}/{head['ETag'].strip(chr(34))}"
        if done not in self._keys(done):
            return f"{raw} is not refined"
        partitions = self.glue.get_partitions(
            DatabaseName=self.outputs["DatabaseName"],
            TableName="tb_ibov_refined",
            Expression=f"data='{day}'",
        )["Partitions"]
        return None if partitions else f"tb_ibov_refined has no partition of {day}"

    def _keys(self, prefix: str) -> list[str]:
        return [
            entry["Key"]
            for page in self._pages(Prefix=prefix)
            for entry in page.get("Contents", [])
        ]

    def _pages(self, **listing: str) -> Iterator[dict[str, Any]]:
        paginator = self.s3.get_paginator("list_objects_v2")
        return iter(paginator.paginate(Bucket=self.bucket, **listing))


def run(stack: Stack, timeout: float, poll: float) -> str:
    """The session that is refined."""
    deadline = time.monotonic() + timeout
    parked_before = stack.parked()
    stack.ask()
    # SQS counts approximately: once zero is not yet empty.
    quiet_looks = 0
    while True:
        time.sleep(poll)
        for stage, count in stack.parked().items():
            if count > parked_before[stage]:
                raise SmokeTestError(
                    f"a message was parked; see why: "
                    f"cargo ibov parked {stage.lower()} --stack {stack.name}"
                )
        quiet_looks = 0 if stack.is_asking() else quiet_looks + 1
        answer = stack.newest_answer()
        if quiet_looks < 2:
            missing = "the fetch request is not done"
        elif answer is None:
            missing = "there is nothing in landing/"
        else:
            missing = stack.unrefined(*answer)
        if answer and missing is None:
            return answer[0]
        if time.monotonic() > deadline:
            raise SmokeTestError(f"after {timeout:.0f} s {missing}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetches, and waits for the refined date.")
    parser.add_argument("--stack", required=True)
    # A failed request is tried again after 4 to 8 minutes, and Glue may run for 15.
    parser.add_argument("--timeout", type=float, default=2400, help="seconds")
    parser.add_argument("--poll", type=float, default=15, help="seconds between two looks")
    arguments = parser.parse_args()
    try:
        day = run(Stack(arguments.stack), arguments.timeout, arguments.poll)
    except SmokeTestError as error:
        print(f"{arguments.stack}: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.stack}: {day} is refined")
    return 0


if __name__ == "__main__":
    sys.exit(main())
