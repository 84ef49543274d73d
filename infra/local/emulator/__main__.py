"""The local AWS, in the foreground.

    python infra/local/emulator --port P --state-dir DIR --glue-runner CMD

It ends when its standard input reaches end of file, or on SIGTERM or SIGINT, and ends every process
that it started.
"""

import argparse
import shlex
import sys
from pathlib import Path

import environment
import supervisor


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulator", description="The local AWS.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1 to serve on")
    parser.add_argument(
        "--state-dir", type=Path, required=True, help="folder for outbox, logs and temporary files"
    )
    parser.add_argument(
        "--glue-runner",
        type=shlex.split,
        required=True,
        help="command that carries out a Glue run, given the script's path and its arguments",
    )
    parser.add_argument(
        "--glue-minute",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long one minute of a Glue job's timeout lasts here (tests shorten it)",
    )
    parser.add_argument(
        "--alarm-minute",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long one minute of an alarm's period lasts here (tests shorten it)",
    )
    parser.add_argument(
        "--keep-bucket",
        metavar="NAME=DIR",
        help="keep the objects of this bucket as files of a folder, and begin with those there",
    )
    parser.add_argument(
        "--proxies",
        action="store_true",
        help="give functions and Glue runs the proxies that the environment names (HTTPS_PROXY …)",
    )
    arguments = parser.parse_args(argv)
    if not 0 < arguments.port < 65536:
        parser.error(f"--port {arguments.port} is not a port number")
    if not arguments.glue_runner:
        parser.error("--glue-runner is empty: give the command that carries out a Glue run")
    if arguments.keep_bucket is not None and not all(arguments.keep_bucket.partition("=")):
        parser.error(f"--keep-bucket {arguments.keep_bucket} is not NAME=DIR")
    return arguments


def main() -> int:
    arguments = parse_arguments(sys.argv[1:])
    state_dir = arguments.state_dir.resolve()
    environment.prepare_state_dir(state_dir)
    server_command = [
        sys.executable,
        str(Path(__file__).with_name("server.py")),
        *("--state-dir", str(state_dir)),
        *("--glue-runner", shlex.join(arguments.glue_runner)),
        *("--glue-minute", str(arguments.glue_minute)),
        *("--alarm-minute", str(arguments.alarm_minute)),
    ]
    if arguments.keep_bucket is not None:
        server_command += ["--keep-bucket", arguments.keep_bucket]
    server_environment = environment.for_server(arguments.port, state_dir)
    if arguments.proxies:
        server_environment |= environment.proxies()
    return supervisor.supervise(server_command, server_environment)


if __name__ == "__main__":
    sys.exit(main())
