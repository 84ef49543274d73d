import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conftest import QueueWithDeadLetters, Roles
from emulator_process import Emulator, alive, eventually

ENDED = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")
WRITE_ARGUMENTS = """
import boto3, json, sys
s3 = boto3.client("s3")
s3.put_object(Bucket="{bucket}", Key="out/arguments.json", Body=json.dumps(sys.argv[1:]))
print("who:", boto3.client("sts").get_caller_identity()["Arn"])
"""
FAIL = """
import sys
print("this is stdout")
print("some noise", file=sys.stderr)
sys.exit("AnalysisException: no such date")
"""
SLEEP = """
import os, subprocess, sys
child = subprocess.Popen(["sleep", "60"])
print("processes", os.getpid(), child.pid, flush=True)
child.wait()
"""


class JobRuns:
    """The runs of a Glue job."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.emulator, self.name = emulator, name
        self.glue = emulator.client("glue")

    def start(self, **more: Any) -> str:
        return self.glue.start_job_run(JobName=self.name, **more)["JobRunId"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self.glue.get_job_run(JobName=self.name, RunId=run_id)["JobRun"]

    def ended(self, run_id: str, seconds: float = 15.0) -> dict[str, Any]:
        eventually(lambda: self.run(run_id)["JobRunState"] in ENDED, f"{run_id} ends", seconds)
        return self.run(run_id)

    def log(self, run_id: str) -> str:
        path = self.emulator.state_dir / "glue" / f"{run_id}.log"
        return path.read_text() if path.exists() else ""


class Job(JobRuns):
    """A Glue job whose script is given as text."""

    def __init__(
        self, emulator: Emulator, name: str, role_arn: str, script: str, **more: Any
    ) -> None:
        super().__init__(emulator, name)
        emulator.client("s3").put_object(
            Bucket=name, Key="scripts/job.py", Body=script.format(bucket=name)
        )
        location = f"s3://{name}/scripts/job.py"
        self.glue.create_job(
            Name=name,
            Role=role_arn,
            Command={"Name": "glueetl", "ScriptLocation": location, "PythonVersion": "3"},
            **more,
        )

    def processes(self, run_id: str) -> list[int]:
        """The process of a SLEEP run and its child, once both exist."""

        def printed() -> list[str]:
            return [line for line in self.log(run_id).splitlines() if line.startswith("processes")]

        return [int(word) for word in eventually(printed, f"{run_id} prints")[0].split()[1:]]


@pytest.fixture
def make_job(emulator: Emulator, name: str, role: Roles) -> Callable[..., Job]:
    emulator.client("s3").create_bucket(Bucket=name)

    def make(script: str, *rights: tuple[str, str], **more: Any) -> Job:
        read_script = ("s3:GetObject", f"arn:aws:s3:::{name}/scripts/*")
        return Job(emulator, name, role.allowing("glue", read_script, *rights), script, **more)

    return make


def test_a_run_gets_merged_arguments_and_the_rights_of_the_jobs_role(
    make_job: Callable[..., Job], emulator: Emulator, name: str
) -> None:
    job = make_job(
        WRITE_ARGUMENTS,
        ("s3:PutObject", f"arn:aws:s3:::{name}/out/*"),
        DefaultArguments={"--as_of": "none", "--dates": "none"},
        NonOverridableArguments={"--table": "the jobs own"},
    )
    run_id = job.start(Arguments={"--dates": "2026-11-20", "--table": "the runs"})
    run = job.ended(run_id)

    assert run["JobRunState"] == "SUCCEEDED"
    assert run["Arguments"] == {"--dates": "2026-11-20", "--table": "the runs"}
    assert run["StartedOn"] <= run["CompletedOn"]
    written = emulator.client("s3").get_object(Bucket=name, Key="out/arguments.json")["Body"]
    assert json.load(written) == [
        *("--as_of", "none", "--dates", "2026-11-20", "--table", "the jobs own"),
        *("--JOB_NAME", name, "--JOB_RUN_ID", run_id),
    ]
    role_name = job.glue.get_job(JobName=name)["Job"]["Role"].rsplit("/", 1)[-1]
    assert f"assumed-role/{role_name}/" in job.log(run_id)


def test_a_right_that_the_jobs_role_lacks_fails_the_run(make_job: Callable[..., Job]) -> None:
    job = make_job(WRITE_ARGUMENTS)
    run = job.ended(job.start())
    assert run["JobRunState"] == "FAILED"
    assert "AccessDenied" in run["ErrorMessage"]


def test_a_script_that_the_role_may_not_read_fails_the_run(
    emulator: Emulator, name: str, role: Roles
) -> None:
    emulator.client("s3").create_bucket(Bucket=name)
    job = Job(emulator, name, role.allowing("glue"), FAIL)
    run = job.ended(job.start())
    assert run["JobRunState"] == "FAILED"
    assert "AccessDenied" in run["ErrorMessage"]


def test_a_failed_run_tells_its_last_line_of_stderr_and_keeps_its_output(
    make_job: Callable[..., Job],
) -> None:
    job = make_job(FAIL)
    run_id = job.start()
    run = job.ended(run_id)
    assert run["ErrorMessage"] == "AnalysisException: no such date"
    assert "this is stdout" in job.log(run_id)
    assert "some noise" in job.log(run_id)


def test_a_run_beyond_the_limit_is_refused(make_job: Callable[..., Job]) -> None:
    job = make_job(SLEEP)
    first = job.start()
    assert job.run(first)["JobRunState"] in ("STARTING", "RUNNING")
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        job.start()
    job.glue.batch_stop_job_run(JobName=job.name, JobRunIds=[first])
    job.ended(first)
    second = job.start()
    assert [run["Id"] for run in job.glue.get_job_runs(JobName=job.name)["JobRuns"]] == [
        second,
        first,
    ]
    job.glue.batch_stop_job_run(JobName=job.name, JobRunIds=[second])


def test_more_runs_at_a_time_are_a_property_of_the_job(make_job: Callable[..., Job]) -> None:
    job = make_job(SLEEP, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [job.start(), job.start()]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        job.start()
    stopped = job.glue.batch_stop_job_run(JobName=job.name, JobRunIds=runs)
    assert len(stopped["SuccessfulSubmissions"]) == 2


def test_a_stopped_run_takes_its_processes_with_it(make_job: Callable[..., Job]) -> None:
    job = make_job(SLEEP)
    run_id = job.start()
    processes = job.processes(run_id)
    assert all(alive(pid) for pid in processes)
    job.glue.batch_stop_job_run(JobName=job.name, JobRunIds=[run_id])
    assert job.ended(run_id)["JobRunState"] == "STOPPED"
    eventually(lambda: not any(alive(pid) for pid in processes), "its processes are gone")
    again = job.glue.batch_stop_job_run(JobName=job.name, JobRunIds=[run_id])
    assert again["Errors"][0]["ErrorDetail"]["ErrorCode"] == "IllegalJobRunStateException"


def test_a_run_beyond_its_timeout_is_ended(make_job: Callable[..., Job]) -> None:
    job = make_job(SLEEP, Timeout=1)
    began = time.monotonic()
    run_id = job.start()
    processes = job.processes(run_id)
    run = job.ended(run_id)
    assert run["JobRunState"] == "TIMEOUT"
    assert time.monotonic() - began >= 1.0
    eventually(lambda: not any(alive(pid) for pid in processes), "its processes are gone")


def test_the_end_of_a_run_is_told_on_the_event_bus(
    make_job: Callable[..., Job], emulator: Emulator, name: str, queue: QueueWithDeadLetters
) -> None:
    events = emulator.client("events")
    pattern = {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {"jobName": [name]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": queue.arn, "DeadLetterConfig": {"Arn": queue.dlq_arn}}
    events.put_targets(Rule=name, Targets=[target])
    queue.allow("events")
    job = make_job(FAIL)

    run_id = job.start()
    event = json.loads(queue.receive(seconds=10)[0]["Body"])

    assert event["source"] == "aws.glue"
    assert event["detail"] == {
        "jobName": name,
        "severity": "ERROR",
        "state": "FAILED",
        "jobRunId": run_id,
        "message": "AnalysisException: no such date",
    }


def test_an_unknown_job_has_no_runs(emulator: Emulator, name: str) -> None:
    glue = emulator.client("glue")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.start_job_run(JobName=name)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_job_runs(JobName=name)
