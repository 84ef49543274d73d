"""Requests that AWS refuses and ministack accepts, as far as this pipeline could make them.

One module for each service. Its head lists the limits, with AWS's numbers. `install` puts the
checks before the functions of ministack that carry out requests (`guard.py`), so that requests,
templates and other services of the emulator meet the same limits. Codes and statuses are AWS's;
messages have the same meaning as AWS's.
"""

from refusals import cloudformation, glue_jobs, mappings, names, s3, schedules, sns, sqs


def install() -> None:
    for service in (cloudformation, glue_jobs, mappings, names, s3, schedules, sns, sqs):
        service.install()
