"""What the ratios between Python and Rust are held against, and why a bound may be missed."""

from dataclasses import dataclass
from typing import Any

from work import FLOOR, INGESTION

MAX_ZIP_MB = 3.8


@dataclass(frozen=True)
class Bound:
    what: str
    # Of fetcher and parquet-writer together, beside the Python function that does the work of both.
    column: str
    at_least: float
    # Why it is missed where it is.
    reason: str = ""


BOUNDS = (
    Bound("spawn to first poll, the system's roots", "init_ms", 34),
    Bound("spawn to first poll, one bundle", "bundle_ms", 50),
    Bound("first call", "first_ms", 25),
    Bound(
        "CPU of a warm call",
        "cpu_ms",
        7.5,
        "opt-level s costs about a tenth against 3; the rest has not been explained",
    ),
    Bound("memory", "peak_mib", 15),
)
# Why a function's archive is larger than the bound.
SDK = "crc-fast's tables (0.7 MB before compression) and h2 (0.3 MB), which the SDK links"
LARGER = {
    "parquet-writer": SDK,
    "fetcher": f"{SDK}, and reqwest with its decoders",
}


def judged(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each bound with the measured value, whether it holds, and the reason if it does not."""
    ratios = found["python_to_rust"][INGESTION]
    rows = [
        {
            "what": bound.what,
            "bound": f"×{bound.at_least:g} or more",
            "found": f"×{ratios[bound.column]:.1f}",
            "holds": ratios[bound.column] >= bound.at_least,
            "reason": bound.reason,
        }
        for bound in BOUNDS
    ]
    for name, size in found["zip_mb"].items():
        if name == FLOOR:
            continue
        row = {
            "what": f"archive of {name}",
            "bound": f"{MAX_ZIP_MB} MB or less",
            "found": f"{size:.2f} MB",
            "holds": size <= MAX_ZIP_MB,
            "reason": LARGER.get(name, ""),
        }
        rows.append(row)
    return rows
