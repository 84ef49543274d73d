"""Checks that ministack is the very version whose private names we patch.

Every module of this folder that changes a behaviour names what it patches through `require`, so
that another version fails at start, by name, and never by behaving a little differently.
"""

from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

VERSION = "1.5.33"
ADVICE = (
    "install infra/local/requirements.txt, "
    "or see 'Another version of ministack' in infra/local/README.md"
)


class IncompatibleMinistack(SystemExit):
    """ministack is absent, or not what this plug-in was written for."""


def check_version() -> None:
    try:
        found = version("ministack")
    except PackageNotFoundError:
        raise IncompatibleMinistack(f"emulator: ministack is not installed; {ADVICE}") from None
    if found != VERSION:
        raise IncompatibleMinistack(
            f"emulator: ministack {found} is installed, "
            f"but this plug-in patches {VERSION}; {ADVICE}"
        )


def require(owner: ModuleType | type, *names: str) -> None:
    """Fails unless `owner` has every one of `names`."""
    missing = [name for name in names if not hasattr(owner, name)]
    if missing:
        raise IncompatibleMinistack(
            f"emulator: {owner.__name__} has no {', '.join(missing)}, "
            f"which this plug-in patches; {ADVICE}"
        )
