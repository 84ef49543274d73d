"""'Glue Job State Change' on the default event bus, with the severities and texts that AWS uses.

ministack's Glue sends no events. As on AWS, only the ends of runs are reported.

Uses `_put_events` of `ministack.services.eventbridge`.
"""

import json
from typing import Any

from ministack.services import eventbridge

import pinned

# AWS: INFO for SUCCEEDED and STOPPED, ERROR for FAILED, WARN for TIMEOUT.
SEVERITIES = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "FAILED": "ERROR", "TIMEOUT": "WARN"}
MESSAGES = {
    "SUCCEEDED": "Job run succeeded",
    "STOPPED": "Job run stopped",
    "TIMEOUT": "Job run timed out",
}


def install() -> None:
    pinned.require(eventbridge, "_put_events")


def state_changed(run: dict[str, Any]) -> None:
    """Publishes the end of `run`. The event does not carry its arguments."""
    state = run["JobRunState"]
    detail = {
        "jobName": run["JobName"],
        "severity": SEVERITIES[state],
        "state": state,
        "jobRunId": run["Id"],
        "message": MESSAGES.get(state) or run.get("ErrorMessage", ""),
    }
    entry = {
        "Source": "aws.glue",
        "DetailType": "Glue Job State Change",
        "Resources": [],
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
