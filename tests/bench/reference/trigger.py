"""The start of the Glue job as a Python function: one call for any event."""

import json
import logging
import os
from typing import Any

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)
JOB_NAME = os.environ["GLUE_JOB_NAME"]


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    run_id = boto3.client("glue").start_job_run(JobName=JOB_NAME)["JobRunId"]
    logger.info("Glue run started: %s", run_id)
    return {"statusCode": 200, "body": json.dumps({"job_run_id": run_id})}
