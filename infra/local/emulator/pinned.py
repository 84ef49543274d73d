"""Checks that ministack has the version whose private names are patched here.

Every module that changes a behaviour names its patched names in `require`, so that another version
fails at the start with that name instead of behaving slightly differently.
"""

from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

VERSION = "1.5.33"
ADVICE = (
    "install infra/local/requirements.txt, "
    "or see 'Another version of ministack' in infra/local/README.md"
)


class IncompatibleMinistack(SystemExit):
    """ministack is missing or has another version than this plug-in needs."""


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
    """Fails unless `owner` has all `names`."""
    missing = [name for name in names if not hasattr(owner, name)]
    if missing:
        raise IncompatibleMinistack(
            f"emulator: {owner.__name__} has no {', '.join(missing)}, "
            f"which this plug-in patches; {ADVICE}"
        )
