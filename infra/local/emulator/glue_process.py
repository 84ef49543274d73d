"""The process of a Glue run: the deployed script with the rights of the job's role.

The script is fetched from its S3 location and executed by the --glue-runner command with temporary
credentials of the job's role, so that a missing right fails here as on AWS. The run's output is in
`glue/<run id>.log`. If its exit code is not zero, its last line on stderr is the run's
ErrorMessage.

Uses `register_session` of `ministack.services.sts`.
"""

import os
import secrets
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, Any

import boto3
from ministack.core.responses import get_account_id, get_region
from ministack.services import sts

import pinned
from settings import Settings

JSON = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    # SUCCEEDED, FAILED or TIMEOUT.
    state: str
    message: str = ""


def install() -> None:
    pinned.require(sts, "register_session")


class RunProcess:
    """The process of one run. `kill` may be called from any thread and at any time."""

    def __init__(self, settings: Settings, job: JSON, run: JSON) -> None:
        self._settings = settings
        self._job = job
        self._run = run
        self._folder = settings.glue / run["Id"]
        self._script = self._folder / "script.py"
        self._guard = threading.Lock()
        self._killed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._credentials: dict[str, str] = {}

    def prepare(self) -> None:
        """Assumes the job's role and fetches the script, as AWS does before a run is RUNNING."""
        self._folder.mkdir(parents=True)
        self._credentials = role_credentials(self._job, self._run["Id"])
        location = self._job.get("Command", {}).get("ScriptLocation", "")
        bucket, _, key = location.removeprefix("s3://").partition("/")
        if not location.startswith("s3://") or not key:
            raise ValueError(
                f"job {self._job['Name']}: ScriptLocation {location!r} is not s3://bucket/key"
            )
        s3 = boto3.client(
            "s3",
            region_name=get_region(),
            endpoint_url=os.environ["AWS_ENDPOINT_URL"],
            aws_access_key_id=self._credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self._credentials["AWS_SESSION_TOKEN"],
        )
        self._script.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def wait(self) -> Outcome:
        """Runs the script to its end, or kills it after the run's timeout."""
        log_path = self._settings.glue / f"{self._run['Id']}.log"
        try:
            with log_path.open("ab", buffering=0) as log:
                return self._follow(log)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _follow(self, log: IO[bytes]) -> Outcome:
        with self._guard:
            if self._killed:
                return Outcome("FAILED", "killed before it began")
            process = self._process = subprocess.Popen(
                [*self._settings.glue_runner, str(self._script), *self.arguments()],
                env=os.environ | self._credentials,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.PIPE,
                # In its own process group, because a stop must reach all processes of Spark.
                start_new_session=True,
            )
        last_line = LastLine(process.stderr, log)
        timed_out = False
        try:
            process.wait(timeout=self._run["Timeout"] * self._settings.glue_minute)
        except subprocess.TimeoutExpired:
            timed_out = True
        # Also after a normal end, because the runner may leave processes behind.
        self.kill()
        process.wait()
        message = last_line.text()
        if timed_out:
            return Outcome(
                "TIMEOUT", f"Job run exceeded its timeout of {self._run['Timeout']} minutes"
            )
        if process.returncode == 0:
            return Outcome("SUCCEEDED")
        return Outcome("FAILED", message or f"the script ended with exit code {process.returncode}")

    def arguments(self) -> list[str]:
        """The job's arguments, overridden by the run's, the fixed ones, and Glue's own."""
        merged = {
            **self._job.get("DefaultArguments", {}),
            **self._run["Arguments"],
            **self._job.get("NonOverridableArguments", {}),
            "--JOB_NAME": self._job["Name"],
            "--JOB_RUN_ID": self._run["Id"],
        }
        return [part for name, value in merged.items() for part in (name, str(value))]

    def kill(self) -> None:
        with self._guard:
            self._killed = True
            if self._process is not None:
                try:
                    os.killpg(self._process.pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    return


class LastLine:
    """Copies a run's stderr into its log while it runs, and remembers the last line that is not
    blank."""

    def __init__(self, stream: IO[bytes], log: IO[bytes]) -> None:
        self._last = b""
        self._thread = threading.Thread(target=self._copy, args=(stream, log), daemon=True)
        self._thread.start()

    def _copy(self, stream: IO[bytes], log: IO[bytes]) -> None:
        with stream:
            for line in stream:
                log.write(line)
                self._last = line.strip() or self._last

    def text(self) -> str:
        self._thread.join()
        return self._last.decode("utf-8", errors="replace")[:1000]


def role_credentials(job: JSON, run_id: str) -> dict[str, str]:
    """Environment variables with temporary credentials of the job's role."""
    role = job.get("Role", "")
    if not role:
        raise ValueError(f"job {job['Name']} has no Role")
    role_name = role.rsplit("/", 1)[-1]
    session = f"GlueJobRunnerSession-{run_id[:12]}"
    access_key = "ASIA" + secrets.token_hex(8).upper()
    secret, token = secrets.token_hex(20), secrets.token_hex(32)
    sts.register_session(
        access_key,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role_name}/{session}",
            "UserId": f"{role_name}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }
