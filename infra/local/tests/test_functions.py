import hashlib
import io
import json
import os
import signal
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from conftest import QueueWithDeadLetters, Roles
from emulator_process import HERE, Emulator, alive, eventually


class Function:
    """The sample function behind a queue, with a role of its own."""

    def __init__(
        self,
        emulator: Emulator,
        name: str,
        role_arn: str,
        queue_arn: str,
        timeout: int = 20,
        **mapping: Any,
    ) -> None:
        self.path = emulator.state_dir / "logs" / f"{name}.log"
        functions = emulator.client("lambda")
        functions.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=role_arn,
            Code={"ZipFile": package()},
            Timeout=timeout,
            Environment={"Variables": {"SITE_PACKAGES": str(Path(boto3.__file__).parents[1])}},
        )
        functions.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=queue_arn,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **mapping,
        )

    def lines(self, start: str) -> list[str]:
        """The lines of its log that begin with `start`."""
        if not self.path.exists():
            return []
        return [line for line in self.path.read_text().splitlines() if line.startswith(start)]

    def first(self, start: str) -> str:
        return eventually(lambda: self.lines(start), f"a line {start!r} in {self.path}")[0]


def package() -> bytes:
    """A zip whose bootstrap is the sample function, run by this Python."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        source = (HERE / "sample_function.py").read_text()
        archive.writestr(bootstrap, f"#!{sys.executable}\n{source}")
    return buffer.getvalue()


def reader(queue: QueueWithDeadLetters) -> list[tuple[str, str]]:
    """The rights that a function needs for reading this queue."""
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return [(f"sqs:{action}", queue.arn) for action in actions]


@pytest.fixture
def function(emulator: Emulator, name: str, role: Roles, queue: QueueWithDeadLetters) -> Function:
    return Function(emulator, name, role.allowing("lambda", *reader(queue)), queue.arn)


def send(queue: QueueWithDeadLetters, **body: Any) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=json.dumps(body))


def in_flight(queue: QueueWithDeadLetters) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = queue.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def test_a_functions_lines_are_in_its_log_file(
    function: Function, queue: QueueWithDeadLetters
) -> None:
    send(queue, n=1)
    assert function.first("message") == 'message {"n": 1}'
    eventually(lambda: in_flight(queue) == 0, "the message is acknowledged")


def test_only_the_reported_message_of_a_batch_stays(
    function: Function, queue: QueueWithDeadLetters
) -> None:
    entries = [
        {"Id": str(number), "MessageBody": json.dumps({"n": number, "fail": number == 1})}
        for number in range(3)
    ]
    queue.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
    eventually(lambda: len(function.lines("message")) == 3, "all three were seen")
    eventually(lambda: in_flight(queue) == 1, "the failed one alone is left")


def test_a_function_that_hangs_is_ended_at_its_timeout_and_started_anew(
    emulator: Emulator, name: str, role: Roles, queue: QueueWithDeadLetters
) -> None:
    rights = role.allowing("lambda", *reader(queue))
    function = Function(emulator, name, rights, queue.arn, timeout=2)
    send(queue, hang=True)
    function.first("message")
    environment = int(function.first("started").split()[1])
    eventually(lambda: not alive(environment), "it is ended")
    send(queue, n=2)
    assert function.first('message {"n": 2}')
    assert len(function.lines("started")) == 2


def test_a_function_sees_the_emulator_and_nothing_of_the_users_shell(
    function: Function, queue: QueueWithDeadLetters, emulator: Emulator
) -> None:
    send(queue, environment=True)
    environment = json.loads(function.first("environment").removeprefix("environment "))
    assert environment["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "AWS_PROFILE" not in environment
    assert "the user's own" not in environment.values()
    assert not [name for name in environment if name.lower().endswith("_proxy")]


def test_a_function_may_do_what_its_role_says_and_no_more(
    emulator: Emulator, name: str, role: Roles, queue: QueueWithDeadLetters
) -> None:
    emulator.client("s3").create_bucket(Bucket=name)
    landing = ("s3:PutObject", f"arn:aws:s3:::{name}/landing/*")
    rights = role.allowing("lambda", *reader(queue), landing)
    function = Function(emulator, name, rights, queue.arn)
    send(queue, put=[name, "landing/a.json"])
    assert function.first("put landing") == "put landing/a.json"
    send(queue, put=[name, "raw/a.json"])
    assert "AccessDenied" in function.first("put raw")


def test_a_function_whose_role_may_not_read_the_queue_gets_nothing(
    emulator: Emulator, name: str, role: Roles, queue: QueueWithDeadLetters
) -> None:
    rights = [right for right in reader(queue) if right[0] != "sqs:DeleteMessage"]
    Function(emulator, name, role.allowing("lambda", *rights), queue.arn)
    send(queue, n=1)
    complaint = f"{name} polls nothing"
    log = emulator.state_dir / "emulator.log"
    eventually(lambda: complaint in log.read_text(), "the emulator says so")
    assert [json.loads(message["Body"]) for message in queue.receive()] == [{"n": 1}]


def test_a_batching_window_gathers_messages(
    emulator: Emulator, name: str, role: Roles, queue: QueueWithDeadLetters
) -> None:
    function = Function(
        emulator,
        name,
        role.allowing("lambda", *reader(queue)),
        queue.arn,
        MaximumBatchingWindowInSeconds=2,
    )
    for number in range(3):
        send(queue, n=number)
    assert function.first("batch") == "batch of 3"


def invoke(emulator: Emulator, name: str) -> tuple[str | None, dict[str, Any]]:
    """The error, if any, and the response of an invocation without messages."""
    answer = emulator.client("lambda").invoke(FunctionName=name, Payload=b'{"Records": []}')
    return answer.get("FunctionError"), json.load(answer["Payload"])


def bootstrap_of_the_next_start(emulator: Emulator, function: Function, name: str) -> Path:
    """The file that the function's next environment will execute. Ends the current one."""
    assert invoke(emulator, name) == (None, {"batchItemFailures": []})
    environment = int(function.first("started").split()[1])
    os.kill(environment, signal.SIGKILL)
    eventually(lambda: not alive(environment), "it is ended")
    digest = hashlib.sha256(package()).hexdigest()
    return next((emulator.state_dir / "tmp").glob(f"*/{digest}/bootstrap"))


def test_a_function_starts_although_its_bootstrap_was_still_open_for_writing(
    function: Function, emulator: Emulator, name: str
) -> None:
    log = emulator.state_dir / "emulator.log"
    with ThreadPoolExecutor() as pool:
        with bootstrap_of_the_next_start(emulator, function, name).open("r+b"):
            answer = pool.submit(invoke, emulator, name)
            waits = f"{name} starts as soon as its bootstrap is closed"
            eventually(lambda: waits in log.read_text(), "the first attempt failed")
            assert not answer.done()
        assert answer.result() == (None, {"batchItemFailures": []})


def test_a_function_does_not_wait_for_ever_for_its_bootstrap(
    function: Function, emulator: Emulator, name: str
) -> None:
    with bootstrap_of_the_next_start(emulator, function, name).open("r+b"):
        failure, answer = invoke(emulator, name)
    assert failure == "Unhandled"
    assert "Text file busy" in answer["errorMessage"]
    assert invoke(emulator, name) == (None, {"batchItemFailures": []})


@pytest.mark.parametrize("answer", [{"itemIdentifier": "elsewhere"}, {"itemIdentifier": ""}, {}])
def test_a_partial_response_that_makes_no_sense_fails_the_whole_batch(
    function: Function, queue: QueueWithDeadLetters, answer: dict[str, str]
) -> None:
    send(queue, answer={"batchItemFailures": [answer]})
    function.first("message")
    send(queue, n=2)
    eventually(lambda: len(function.lines("message")) == 2, "the next message was seen")
    eventually(lambda: in_flight(queue) == 1, "only the next message was acknowledged")
