"""Glue's API for the runs of a job: limits, states, order, stopping.

ministack says SUCCEEDED at once and has no limit. Here StartJobRun refuses a run beyond the job's
MaxConcurrentRuns (ConcurrentRunsExceededException), a run goes STARTING → RUNNING → SUCCEEDED,
FAILED, TIMEOUT or (by BatchStopJobRun) STOPPING → STOPPED, GetJobRuns lists the newest first, and
the end of a run is reported to EventBridge (`glue_events.py`). `glue_process.py` runs the script.
There are no retries (MaxRetries), no queuing and no triggers.

Patches in `ministack.services.glue`: `_start_job_run`, `_get_job_runs`, `_batch_stop_job_run`,
`_create_job` and `_update_job` (they drop ExecutionProperty), `reset`; in
`ministack.services.cloudformation.provisioners`: `_GLUE_JOB_DEFAULTS` (it drops ExecutionProperty
too). Uses `_jobs`, `_job_runs`.
"""

import contextvars
import threading
import time
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import glue
from ministack.services.cloudformation import provisioners

import glue_events
import glue_process
import pinned
from settings import Settings

JSON = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"})
ONE_RUN = {"MaxConcurrentRuns": 1}
PAGE_SIZE = 200

# Guards changes of a run's state and the count of active runs.
_state = threading.Lock()
# The processes of runs that have not ended, by run id.
_processes: dict[str, glue_process.RunProcess] = {}


def install(settings: Settings) -> None:
    pinned.require(
        glue,
        *("_start_job_run", "_get_job_runs", "_batch_stop_job_run", "_create_job", "_update_job"),
        *("_jobs", "_job_runs", "reset"),
    )
    pinned.require(provisioners, "_GLUE_JOB_DEFAULTS")
    glue_events.install()
    glue_process.install()
    keep_execution_property()
    glue._start_job_run = lambda request: start_job_run(request, settings)
    glue._get_job_runs = get_job_runs
    glue._batch_stop_job_run = batch_stop_job_run
    reset = glue.reset

    def reset_and_kill() -> None:
        kill_all()
        reset()

    glue.reset = reset_and_kill


def keep_execution_property() -> None:
    """Makes MaxConcurrentRuns survive CreateJob, UpdateJob and CloudFormation."""
    create, update = glue._create_job, glue._update_job

    def create_job(request: JSON) -> Response:
        response = create(request)
        if response[0] < 300:
            glue._jobs[request["Name"]]["ExecutionProperty"] = request.get(
                "ExecutionProperty", dict(ONE_RUN)
            )
        return response

    def update_job(request: JSON) -> Response:
        response = update(request)
        changed = request.get("JobUpdate", {}).get("ExecutionProperty")
        if response[0] < 300 and changed:
            glue._jobs[request["JobName"]]["ExecutionProperty"] = changed
        return response

    glue._create_job, glue._update_job = create_job, update_job
    provisioners._GLUE_JOB_DEFAULTS["ExecutionProperty"] = dict(ONE_RUN)


def start_job_run(request: JSON, settings: Settings) -> Response:
    name = request.get("JobName", "")
    job = glue._jobs.get(name)
    if job is None:
        return error_response_json(
            "EntityNotFoundException",
            f"Failed to start job run due to missing metadata: job {name} not found",
            400,
        )
    limit = int(job.get("ExecutionProperty", ONE_RUN).get("MaxConcurrentRuns") or 1)
    run = new_run(job, request)
    with _state:
        runs = glue._job_runs.setdefault(name, [])
        if sum(run["JobRunState"] not in ENDED for run in runs) >= limit:
            return error_response_json(
                "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}", 400
            )
        runs.append(run)
        process = glue_process.RunProcess(settings, job, run)
        _processes[run["Id"]] = process
    # The thread needs the account and region of this request.
    threading.Thread(
        target=contextvars.copy_context().run,
        args=(carry_out, run, process),
        name=f"glue-{run['Id'][:12]}",
        daemon=True,
    ).start()
    return json_response({"JobRunId": run["Id"]})


def new_run(job: JSON, request: JSON) -> JSON:
    now = timestamp()
    return {
        "Id": "jr_" + (new_uuid() + new_uuid()).replace("-", ""),
        "Attempt": 0,
        "JobName": job["Name"],
        "JobMode": "SCRIPT",
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": request.get("Arguments") or {},
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "Timeout": request.get("Timeout") or job.get("Timeout") or 2880,
        "WorkerType": request.get("WorkerType") or job.get("WorkerType", "G.1X"),
        "NumberOfWorkers": request.get("NumberOfWorkers") or job.get("NumberOfWorkers", 2),
        "GlueVersion": job.get("GlueVersion", "5.1"),
        "ExecutionClass": request.get("ExecutionClass", "STANDARD"),
        "LogGroupName": "/aws-glue/jobs",
    }


def carry_out(run: JSON, process: "glue_process.RunProcess") -> None:
    """Carries out one run, in a thread of its own."""
    try:
        process.prepare()
        move_to(run, "RUNNING")
        outcome = process.wait()
    except Exception as error:  # it is the run's failure, and must not get lost
        outcome = glue_process.Outcome("FAILED", f"{type(error).__name__}: {error}")
    with _state:
        _processes.pop(run["Id"], None)
        stopped = run["JobRunState"] == "STOPPING"
    move_to(run, "STOPPED" if stopped else outcome.state, "" if stopped else outcome.message)
    glue_events.state_changed(run)


def move_to(run: JSON, state: str, message: str = "") -> None:
    now = timestamp()
    with _state:
        # A run that is being stopped does not become RUNNING.
        if run["JobRunState"] == "STOPPING" and state == "RUNNING":
            return
        if message:
            run["ErrorMessage"] = message
        if state in ENDED:
            run["CompletedOn"] = now
            run["ExecutionTime"] = round(now - run["StartedOn"])
        run["LastModifiedOn"] = now
        run["JobRunState"] = state


def get_job_runs(request: JSON) -> Response:
    """Newest first, in pages. An unknown job is an error, as on AWS."""
    name = request.get("JobName", "")
    if name not in glue._jobs and name not in glue._job_runs:
        return error_response_json("EntityNotFoundException", f"Job {name} not found", 400)
    newest_first = list(reversed(glue._job_runs.get(name, [])))
    first = int(request.get("NextToken") or 0)
    last = first + min(int(request.get("MaxResults") or PAGE_SIZE), PAGE_SIZE)
    answer: JSON = {"JobRuns": newest_first[first:last]}
    if last < len(newest_first):
        answer["NextToken"] = str(last)
    return json_response(answer)


def batch_stop_job_run(request: JSON) -> Response:
    name = request.get("JobName", "")
    stopped, errors = [], []
    for run_id in request.get("JobRunIds", []):
        run = next((run for run in glue._job_runs.get(name, []) if run["Id"] == run_id), None)
        problem = refusal_to_stop(run)
        if problem is None:
            stopped.append({"JobName": name, "JobRunId": run_id})
        else:
            code, message = problem
            errors.append(
                {
                    "JobName": name,
                    "JobRunId": run_id,
                    "ErrorDetail": {"ErrorCode": code, "ErrorMessage": message},
                }
            )
    return json_response({"SuccessfulSubmissions": stopped, "Errors": errors})


def refusal_to_stop(run: JSON | None) -> tuple[str, str] | None:
    """Stops `run`, or returns the reason why it cannot be stopped."""
    if run is None:
        return "EntityNotFoundException", "Job run not found"
    with _state:
        if run["JobRunState"] in ENDED:
            return "IllegalJobRunStateException", f"The job run is in state {run['JobRunState']}"
        run["JobRunState"] = "STOPPING"
        process = _processes.get(run["Id"])
    if process is not None:
        process.kill()
    return None


def kill_all() -> None:
    """Kills the processes of all runs, and leaves their records unchanged."""
    with _state:
        processes = list(_processes.values())
    for process in processes:
        process.kill()


def timestamp() -> float:
    """Seconds with milliseconds, as in Glue's JSON."""
    return round(time.time(), 3)
