"""The rules of quality.dqdl, by name, and which of them are left out where, with the reason.

What the template has as a ruleset is written from here:

    python infra/glue/quality.py
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("quality.dqdl")

# Rules that Glue could only get wrong.
NOT_IN_THE_TEMPLATE = {
    "totals": "tb_ibov_raw has no partitions but those that Athena works out by itself (partition "
    "projection). Glue sees none, so the table would be empty to the rule",
}
# Rules that would stop a run of the visual job without need.
NOT_IN_THE_VISUAL_JOB = {
    "totals": "its quality node sees the refined rows only",
    "constituents": "a warning stops nobody",
}


class Rule(NamedTuple):
    name: str
    is_warning: bool
    # As the file has it: `RowCount > 0`.
    text: str


NAME = re.compile(r"# (?P<name>[a-z]+)(?P<warning> \(warning\))?: .+")


def parse(document: str) -> list[Rule]:
    """The rules of a document in which each stands on one line, below a comment with its name."""
    head, _, body = document.partition("Rules = [\n")
    lines = [line.strip() for line in body.splitlines()]
    if lines.pop() != "]" or any(line and line[0] != "#" for line in head.splitlines()):
        raise ValueError("a document is comments and one list of rules")
    rules = []
    for named, text in zip(lines[::2], lines[1::2], strict=True):
        if not (found := NAME.fullmatch(named)):
            raise ValueError(f"{named!r} gives no rule a name")
        rules.append(Rule(found["name"], bool(found["warning"]), text.removesuffix(",")))
    return rules


def ruleset(rules: list[Rule]) -> str:
    """A document with the rules alone, as Glue takes it."""
    return "Rules = [\n" + ",\n".join(f"    {rule.text}" for rule in rules) + "\n]\n"


def without(left_out: dict[str, str]) -> list[Rule]:
    return [rule for rule in parse(FILE.read_text()) if rule.name not in left_out]


if __name__ == "__main__":
    sys.stdout.write(ruleset(without(NOT_IN_THE_TEMPLATE)))
