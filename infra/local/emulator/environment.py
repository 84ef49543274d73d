"""The environment that ministack, the functions and the Glue runs see.

ministack reads its settings at import, and functions inherit its whole environment, so the
environment is built from scratch. Nothing of the user's shell (AWS_PROFILE, real keys) gets in, and
proxies only if they are asked for.
"""

import os
from pathlib import Path

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"

# The only inherited variables: the path of programs, the Java that the Glue runner may use, and the
# root certificates that are trusted. An empty one would be taken for a file without a name.
INHERITED = (
    *("PATH", "HOME", "JAVA_HOME", "USER", "LOGNAME", "TZDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)

# As most programs know them, in either spelling.
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
# The emulator, and stand-ins for other servers.
LOOPBACK = "127.0.0.1,localhost"


def proxies() -> dict[str, str]:
    """The proxies of this process's environment. None of them is for the loopback."""
    spellings = [*PROXIES, *(name.lower() for name in PROXIES)]
    named = {name: os.environ[name] for name in spellings if os.environ.get(name)}
    if not named:
        return {}
    direct = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    direct = f"{direct},{LOOPBACK}" if direct else LOOPBACK
    return named | {"NO_PROXY": direct, "no_proxy": direct}


def prepare_state_dir(state_dir: Path) -> None:
    """Makes the folders under `state_dir` that the emulator writes to."""
    for name in ("logs", "glue", "tmp"):
        (state_dir / name).mkdir(parents=True, exist_ok=True)


def for_server(port: int, state_dir: Path) -> dict[str, str]:
    """The whole environment of the emulator process that serves on `port`."""
    environment = {name: os.environ[name] for name in INHERITED if os.environ.get(name)}
    temporary = str(state_dir / "tmp")
    environment |= {
        # Its address, and its name in queue URLs.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        # No other listeners.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # No container engine: a developer's own containers must stay untouched.
        "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        # IAM is enforced, Athena runs queries, and no state survives the process.
        "AUTH": "true",
        "ATHENA_ENGINE": "duckdb",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "TMPDIR": temporary,
        # The folder in which tests arm failpoints, as <function name>/<failpoint>. Release builds
        # ignore it.
        "FAILPOINTS_DIR": str(state_dir / "failpoints"),
        "LOG_LEVEL": "INFO",
        # SDKs in functions and Glue runs need these to find this emulator and nothing else.
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Sector names hold accents: the C locale would mangle them in paths.
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return environment
