"""What AWS refuses and ministack accepts, as far as this pipeline could ask for it.

One module for each service. Its head lists the limits, with AWS's own numbers; `install` puts the
checks before the functions of ministack that carry requests out (`guard.py`), so that a request, a
template and another service of the emulator meet the same limits. Codes and statuses are AWS's,
messages mean the same as AWS's.
"""

from refusals import cloudformation, glue_jobs, mappings, names, s3, schedules, sns, sqs


def install() -> None:
    for service in (cloudformation, glue_jobs, mappings, names, s3, schedules, sns, sqs):
        service.install()
