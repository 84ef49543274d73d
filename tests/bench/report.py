"""The benchmark's figures as a table, with the ratios between them."""

from typing import Any

from bounds import judged
from measure import Samples
from work import INGESTION, TRIGGER

COLUMNS = {
    "init_ms": "init ms",
    "bundle_ms": "bundle ms",
    "first_ms": "first ms",
    "warm_ms": "warm ms",
    "cpu_ms": "CPU ms",
    "peak_mib": "peak MiB",
}
# Rust functions and the Python functions that do the same work.
COUNTERPARTS = {INGESTION: ("fetcher", "parquet-writer"), TRIGGER: ("glue-trigger",)}
LEGEND = """\
Medians. init: start of the process to its first poll, with the system's root certificates, and
bundle: with one file of them. first, warm: the first call and later ones, the stand-ins' answers
included. CPU: of the process, for each warm call. peak: VmHWM.
Python / Rust: times of two functions are added up, of their memory the larger one counts.
The same job is not the same calls: the functions check what they get, keep B3's answer, and write
on conditions, and glue-trigger makes five calls, to see what is due, where Python makes one.
glue-notifier has no counterpart in the reference. floor does nothing, on lambda_runtime."""


def document(
    heading: dict[str, Any], samples: dict[str, Samples], sizes: dict[str, float]
) -> dict[str, Any]:
    """All results, for `--json`."""
    figures = {name: found.medians() for name, found in samples.items()}
    ratios = {
        python: ratio(figures[python], together([figures[name] for name in names]))
        for python, names in COUNTERPARTS.items()
    }
    found = heading | {"functions": figures, "python_to_rust": ratios, "zip_mb": sizes}
    return found | {"bounds": judged(found)}


def together(figures: list[dict[str, float]]) -> dict[str, float]:
    """The sum of functions that together do the work of another one."""
    totals = {column: sum(row[column] for row in figures) for column in COLUMNS}
    return totals | {"peak_mib": max(row["peak_mib"] for row in figures)}


def ratio(python: dict[str, float], rust: dict[str, float]) -> dict[str, float]:
    return {column: python[column] / rust[column] for column in COLUMNS}


def table(found: dict[str, Any]) -> str:
    figures, ratios = found["functions"], found["python_to_rust"]
    lines = [heading(found), "", line("", list(COLUMNS.values()))]
    for python, names in COUNTERPARTS.items():
        lines += [line(name, numbers(figures[name])) for name in (*names, python)]
        times = [f"×{ratios[python][column]:.1f}" for column in COLUMNS]
        lines += [line("  Python / Rust", times), ""]
    alone = [name for name in figures if name not in (*COUNTERPARTS, *flat(COUNTERPARTS))]
    lines += [line(name, numbers(figures[name])) for name in alone]
    return "\n".join([*lines, "", LEGEND, "", *bounds(found)])


def bounds(found: dict[str, Any]) -> list[str]:
    """The bounds, each with what was measured."""
    lines = []
    for row in found["bounds"]:
        verdict = "holds" if row["holds"] else "missed"
        lines.append(f"{row['what']:<40}{row['bound']:<18}{row['found']:<10}{verdict}")
    return lines


def heading(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    settings = "".join(f", {setting}" for setting in found["cargo_settings"])
    before, after = found["load"]
    return "\n".join(
        [
            f"{found['machine']}; load {before:.1f} before, {after:.1f} after",
            versions,
            f"profile {found['profile']}{settings}; {found['rounds']} alternating rounds of "
            f"1 start and {found['calls']} warm calls, and {found['starts']} more starts",
        ]
    )


def flat(counterparts: dict[str, tuple[str, ...]]) -> list[str]:
    return [name for names in counterparts.values() for name in names]


def numbers(row: dict[str, float]) -> list[str]:
    return [
        f"{row[column]:.2f}" if row[column] < 10 else f"{row[column]:.0f}" for column in COLUMNS
    ]


def line(name: str, cells: list[str]) -> str:
    return f"{name:<20}" + "".join(f"{cell:>10}" for cell in cells)
