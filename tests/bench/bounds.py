"""What the ratios between Python and Rust, and the sizes of archives, are held against."""

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


BOUNDS = (
    Bound("spawn to first poll, the system's roots", "init_ms", 34),
    Bound("spawn to first poll, one bundle", "bundle_ms", 50),
    Bound("first call", "first_ms", 25),
    Bound("CPU of a warm call", "cpu_ms", 7.5),
    Bound("memory", "peak_mib", 15),
)


def judged(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each bound with the measured value, and whether it holds."""
    ratios = found["python_to_rust"][INGESTION]
    rows = [
        {
            "what": bound.what,
            "bound": f"×{bound.at_least:g} or more",
            "found": f"×{ratios[bound.column]:.1f}",
            "holds": ratios[bound.column] >= bound.at_least,
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
        }
        rows.append(row)
    return rows
