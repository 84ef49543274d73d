"""Partition projection: partitions that Athena computes from a table's properties.

Objects below the table's Location are matched against `storage.location.template` (or Hive's
`key=value` folders, the default), and a `date` key against its `projection.<key>.range`: a date
outside of it silently has no rows, as on AWS. Ranges, digits, intervals and values of other key
types are ignored.

Uses `_buckets` of `ministack.services.s3`.
"""

import datetime
import re
from typing import Any
from urllib.parse import urlparse

from ministack.services import s3

import pinned

JSON = dict[str, Any]
PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
NOW = re.compile(r"NOW(?:\s*([+-]\s*\d+)\s*(DAYS?|WEEKS?|MONTHS?|YEARS?))?", re.IGNORECASE)
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def install() -> None:
    pinned.require(s3, "_buckets")


def is_projected(table: JSON) -> bool:
    return str(parameters(table).get("projection.enabled", "")).lower() == "true"


def parameters(table: JSON) -> JSON:
    return table.get("Parameters") or {}


def partitions(table: JSON) -> dict[tuple[str, ...], str]:
    """The location of every projected partition that holds an object, by its values in the order of
    the keys."""
    keys = [key["Name"] for key in table["PartitionKeys"]]
    template = location_template(table, keys)
    parsed = urlparse(template)
    bucket = s3._buckets.get(parsed.netloc)
    if bucket is None:
        return {}
    pattern = re.compile(as_pattern(parsed.path.lstrip("/")))
    found: dict[tuple[str, ...], str] = {}
    for object_key in list(bucket["objects"]):
        match = pattern.match(object_key)
        if match is None:
            continue
        values = tuple(match[f"key{keys.index(key)}"] for key in keys)
        if all(in_range(table, key, value) for key, value in zip(keys, values, strict=True)):
            found[values] = f"s3://{parsed.netloc}/{match[0]}"
    return found


def location_template(table: JSON, keys: list[str]) -> str:
    """`s3://bucket/prefix/${key}/`, always ending in a slash."""
    hive = "/".join(f"{key}=${{{key}}}" for key in keys)
    location = table["StorageDescriptor"]["Location"].rstrip("/")
    template = parameters(table).get("storage.location.template") or f"{location}/{hive}"
    placeholders = PLACEHOLDER.findall(template)
    if sorted(placeholders) != sorted(keys):
        raise ValueError(
            f"storage.location.template of {table['Name']} names {placeholders}, "
            f"its partition keys are {keys}"
        )
    # Keys are not always valid group names, so groups are named by position.
    for position, key in enumerate(keys):
        template = template.replace(f"${{{key}}}", f"${{key{position}}}")
    return template.rstrip("/") + "/"


def as_pattern(path: str) -> str:
    parts = PLACEHOLDER.split(path)
    # Literals and placeholder names alternate.
    return "".join(
        re.escape(part) if index % 2 == 0 else f"(?P<{part}>[^/]+)"
        for index, part in enumerate(parts)
    )


def in_range(table: JSON, key: str, value: str) -> bool:
    settings = parameters(table)
    if settings.get(f"projection.{key}.type", "").lower() != "date":
        return True
    try:
        day = datetime.date.fromisoformat(value)
    except ValueError:
        return False
    first, _, last = settings.get(f"projection.{key}.range", "").partition(",")
    return bound(first) <= day <= bound(last)


def bound(text: str) -> datetime.date:
    """One end of a date range: `2024-01-01`, `NOW`, `NOW+10DAYS`. NOW is Athena's, in UTC."""
    text = text.strip()
    relative = NOW.fullmatch(text)
    if relative is None:
        return datetime.date.fromisoformat(text)
    today = datetime.datetime.now(datetime.UTC).date()
    if relative[1] is None:
        return today
    unit = relative[2].lower().rstrip("s")
    return today + datetime.timedelta(days=int(relative[1].replace(" ", "")) * DAYS[unit])
