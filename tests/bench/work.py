"""The measured work of each function: its settings, its event, and the expected results.

The results of earlier calls are removed, so that each call does all the work. The input of a
function is the output of the one before it, so the first round has to run in order.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aws import BUCKET, Account, StoredObject

JOB = "glue_job_refinamento_bovespa"
ARN = "arn:aws:{}:us-east-1:000000000000:{}"
FILE_NAME = "ibov_setor.parquet"
CONTROL, DONE, TOLD = "control/", "control/refine/done/", "control/refine/told/"
INGESTION, TRIGGER = "ingestion (Python)", "trigger (Python)"
FLOOR = "floor"


class WrongWorkError(Exception):
    """A function answered, but did not do its work."""


@dataclass(frozen=True)
class Function:
    """How one function is started, and the steps before and after each call."""

    name: str
    command: list[str]
    environment: dict[str, str]
    # Prepares the account and returns the event.
    prepare: Callable[[], Any]
    # Checks the answer and the account.
    check: Callable[[Any], None]
    # Whether it loads root certificates before its first poll.
    loads_roots: bool = False


class Chain:
    """The functions of the pipeline and of the reference, on one account."""

    def __init__(self, account: Account, b3_url: str, events: Path, temporary: Path) -> None:
        self.account = account
        self.events = events
        self.landing: tuple[str, StoredObject] | None = None
        self.raw: tuple[str, StoredObject] | None = None
        self.started: dict[str, dict[str, str]] = {}
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "LC_ALL": "C.UTF-8",
            "AWS_ENDPOINT_URL": f"http://{account.address}",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "B3_BASE_URL": f"http://{b3_url}",
            "S3_BUCKET": BUCKET,
            "INDEX": "IBOV",
            "SEGMENT": "2",
            "PAGE_SIZE": "1000",
            "HTTP_TIMEOUT": "15",
            "FILENAME": FILE_NAME,
            "GLUE_JOB_NAME": JOB,
            "MAX_RECEIVE_COUNT": "5",
            "QUEUE_URL": f"http://{account.address}/000000000000/bench-queue",
            "DLQ_URL": f"http://{account.address}/000000000000/bench-dlq",
            "RUST_LOG": "info",
            # Only glue-notifier reads the following settings.
            "STACK_NAME": "bench",
            "MAIL_LANGUAGE": "en",
            "GLUE_DLQ_URL": f"http://{account.address}/000000000000/bench-glue-dlq",
            "GLUE_DLQ_ARN": ARN.format("sqs", "bench-glue-dlq"),
            "GLUE_QUEUE_ARN": ARN.format("sqs", "bench-glue-queue"),
            "COMPLETIONS_TOPIC_ARN": ARN.format("sns", "bench-completions"),
            "ALERTS_TOPIC_ARN": ARN.format("sns", "bench-alerts"),
        }

    def functions(self, binaries: dict[str, Path], python: Path, loop: Path) -> list[Function]:
        """All functions in the order of the chain, each Python one after its counterpart."""

        def rust(name: str, prepare: Callable[[], Any], check: Callable[[Any], None]) -> Function:
            def check_all(answer: Any) -> None:
                require(answer == {"batchItemFailures": []}, name, answer)
                check(answer)

            command = [str(binaries[name])]
            return Function(name, command, self.environment, prepare, check_all, name != FLOOR)

        def reference(
            name: str, handler: str, prepare: Callable[[], Any], check: Callable[[Any], None]
        ) -> Function:
            def check_all(answer: Any) -> None:
                require(answer.get("statusCode") == 200, name, answer)
                check(answer)

            command = [str(python), str(loop), handler]
            return Function(name, command, self.environment, prepare, check_all)

        return [
            rust("fetcher", self.before_fetcher, self.after_fetcher),
            rust("parquet-writer", self.before_writer, self.after_writer),
            reference(
                INGESTION, "ingestion.lambda_handler", self.before_ingestion, self.after_ingestion
            ),
            rust("glue-trigger", self.before_trigger, self.after_trigger),
            reference(
                TRIGGER, "trigger.lambda_handler", self.before_python_trigger, self.after_run
            ),
            rust("glue-notifier", self.before_notifier, self.after_notifier),
            rust(FLOOR, lambda: sqs_event("{}"), lambda answer: None),
        ]

    def before_fetcher(self) -> Any:
        self.account.delete("landing/")
        return sqs_event(self.sample("fetch-request.json"))

    def after_fetcher(self, answer: Any) -> None:
        self.landing = self.only("landing/", "fetcher")

    def before_writer(self) -> Any:
        key, stored = self.landing
        self.account.delete("raw/")
        self.account.objects[key] = stored
        return sqs_event(self.created("s3-landing-created.json", key))

    def after_writer(self, answer: Any) -> None:
        self.raw = self.only("raw/", "parquet-writer")

    def before_ingestion(self) -> Any:
        self.account.delete("raw/")
        return {}

    def after_ingestion(self, answer: Any) -> None:
        self.only("raw/", INGESTION)

    def before_trigger(self) -> Any:
        key, stored = self.raw
        self.account.delete(CONTROL)
        self.account.objects[key] = stored
        self.account.runs.clear()
        return sqs_event(self.created("s3-raw-created.json", key))

    def after_trigger(self, answer: Any) -> None:
        self.after_run(answer)
        unknown = self.account.unknown_calls
        require(not unknown, "glue-trigger", f"{unknown} was asked")
        self.started = dict(self.account.runs)

    def before_python_trigger(self) -> Any:
        self.account.runs.clear()
        return json.loads(self.created("s3-raw-created.json", self.raw[0]))

    def after_run(self, answer: Any) -> None:
        require(len(self.account.runs) == 1, "trigger", f"{len(self.account.runs)} runs, not 1")

    def before_notifier(self) -> Any:
        """Makes the last run succeed without a notification so far."""
        self.account.delete(CONTROL)
        self.account.runs = dict(self.started)
        [(run_id, arguments)] = self.started.items()
        done = f"{DONE}date={arguments['--dates']}/{arguments['--etags']}"
        self.account.objects[done] = StoredObject(b"{}")
        self.account.published = 0
        event = json.loads(self.sample("glue-run-succeeded.json"))
        event["detail"] |= {"jobName": JOB, "jobRunId": run_id}
        return sqs_event(json.dumps(event))

    def after_notifier(self, answer: Any) -> None:
        self.only(TOLD, "glue-notifier")
        published = self.account.published
        require(published == 1, "glue-notifier", f"{published} notifications, not 1")

    def sample(self, name: str) -> str:
        return (self.events / name).read_text(encoding="utf-8")

    def created(self, sample: str, key: str) -> str:
        event = json.loads(self.sample(sample))
        described = event["Records"][0]["s3"]
        described["bucket"]["name"] = BUCKET
        described["object"]["key"] = quote(key)
        return json.dumps(event)

    def only(self, prefix: str, function: str) -> tuple[str, StoredObject]:
        keys = self.account.keys(prefix)
        require(len(keys) == 1, function, f"{prefix} holds {keys}, not one object")
        require(not self.account.unknown_calls, function, f"{self.account.unknown_calls} was asked")
        return keys[0], self.account.objects[keys[0]]


def sqs_event(body: str) -> dict[str, Any]:
    """A batch of one message, as Lambda delivers it."""
    record = {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN.format("sqs", "bench-queue"),
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}


def require(holds: bool, function: str, found: Any) -> None:
    if not holds:
        raise WrongWorkError(f"{function} did not do its work: {found}")
