"""The SQL files of this folder: what each says in its heading, and its statement.

A file begins with a comment. Its first line says what the query is for; the others describe, one a
line, the parameters of a query (`-- 1: session, as 2026-11-20`, in the order of its question marks)
or the columns of a view (`-- data date: Session that the portfolio is for`).
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
COMMENT = "-- "
PARAMETER = re.compile(r"(?P<position>\d+): (?P<meaning>.+)")
COLUMN = re.compile(r"(?P<name>\w+) (?P<type>[a-z]+(?:\(\d+,\d+\))?): (?P<meaning>.+)")


@dataclass(frozen=True)
class Query:
    name: str
    description: str
    # What to give for each question mark, in order.
    parameters: tuple[str, ...]
    # The whole file, heading included: who opens it in Athena's console reads it there.
    text: str


@dataclass(frozen=True)
class Column:
    name: str
    # As the Glue catalog spells it.
    type: str
    meaning: str


@dataclass(frozen=True)
class View:
    name: str
    description: str
    columns: tuple[Column, ...]
    # The statement without its heading.
    sql: str


def queries() -> list[Query]:
    return [read_query(path) for path in sorted((FOLDER / "queries").glob("*.sql"))]


def views() -> list[View]:
    return [read_view(path) for path in sorted((FOLDER / "views").glob("*.sql"))]


def read_query(path: Path) -> Query:
    description, details, _ = parts(path)
    parameters = [matched(PARAMETER, line, path) for line in details]
    if [int(found["position"]) for found in parameters] != list(range(1, len(parameters) + 1)):
        raise ValueError(f"{path}: the parameters are not numbered 1, 2, …")
    meanings = tuple(found["meaning"] for found in parameters)
    return Query(path.stem, description, meanings, path.read_text(encoding="utf-8"))


def read_view(path: Path) -> View:
    description, details, sql = parts(path)
    columns = tuple(Column(**matched(COLUMN, line, path).groupdict()) for line in details)
    return View(path.stem, description, columns, sql)


def parts(path: Path) -> tuple[str, list[str], str]:
    """Description, the other lines of the heading, and the statement."""
    lines = path.read_text(encoding="utf-8").splitlines()
    heading = []
    while lines and lines[0].startswith(COMMENT):
        heading.append(lines.pop(0).removeprefix(COMMENT))
    if not heading or not lines:
        raise ValueError(f"{path}: a heading of comments and a statement are wanted")
    return heading[0], heading[1:], "\n".join(lines).strip()


def matched(pattern: re.Pattern[str], line: str, path: Path) -> re.Match[str]:
    found = pattern.fullmatch(line)
    if found is None:
        raise ValueError(f"{path}: {line!r} is not of the form {pattern.pattern}")
    return found
