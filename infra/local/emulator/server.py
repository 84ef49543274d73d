"""The server process: ministack with the behaviours of this folder.

Started by `__main__.py`, not by hand.
"""

import argparse
import shlex
import sys
from pathlib import Path

import pinned
from settings import Settings


def parse_settings(argv: list[str]) -> Settings:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--glue-runner", type=shlex.split, required=True)
    parser.add_argument("--glue-minute", type=float, required=True)
    parser.add_argument("--alarm-minute", type=float, required=True)
    parser.add_argument("--keep-bucket", type=name_and_folder)
    arguments = parser.parse_args(argv)
    return Settings(
        state_dir=arguments.state_dir,
        glue_runner=tuple(arguments.glue_runner),
        glue_minute=arguments.glue_minute,
        alarm_minute=arguments.alarm_minute,
        kept_bucket=arguments.keep_bucket,
    )


def name_and_folder(argument: str) -> tuple[str, Path]:
    name, _, folder = argument.partition("=")
    return name, Path(folder).resolve()


def install(settings: Settings) -> None:
    """Adds every behaviour. Each fails here if ministack lacks a name that it patches."""
    # Imported late, because these import ministack, whose version has to be checked first.
    import alarm_evaluation
    import athena_catalog
    import athena_executions
    import cloudformation_types
    import email_outbox
    import event_delivery
    import event_source_mappings
    import function_logs
    import function_starts
    import glue_partitions
    import glue_runs
    import kept_bucket
    import lifeline
    import missing_objects
    import move_tasks
    import queue_metrics
    import refusals
    import secure_transport

    lifeline.hold(glue_runs.kill_all)
    move_tasks.install()
    glue_runs.install(settings)
    glue_partitions.install()
    email_outbox.install(settings)
    event_delivery.install()
    event_source_mappings.install()
    missing_objects.install()
    athena_catalog.install()
    athena_executions.install()
    queue_metrics.install()
    secure_transport.install()
    alarm_evaluation.install(settings)
    cloudformation_types.install()
    function_logs.install(settings)
    function_starts.install()
    kept_bucket.install(settings)
    # Last, so that a refused request does not reach the other behaviours either.
    refusals.install()


def main() -> None:
    pinned.check_version()
    install(parse_settings(sys.argv[1:]))
    from ministack import app

    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
