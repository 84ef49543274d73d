"""Any number of portfolios, each of another session, made from one landing object."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

FRIDAY = 4
ONE_DAY = timedelta(days=1)


def sessions(count: int, first: date) -> list[date]:
    """`count` weekdays from `first` on."""
    found: list[date] = []
    day = first
    while len(found) < count:
        if day.weekday() <= FRIDAY:
            found.append(day)
        day += ONE_DAY
    return found


def landing_objects(envelope: dict[str, Any], days: list[date]) -> Iterator[tuple[str, bytes]]:
    """Key and bytes of an answer of each day, as if it had been fetched on that day."""
    for day in days:
        stamp = f"{day:%Y%m%d}T130000.000Z-{day:%Y%m%d%Y%m%d}"
        pages = [dated(page, day) for page in envelope["pages"]]
        fetched = {"fetched_at": f"{day}T13:00:00Z", "pages": pages}
        key = f"landing/index=IBOV/date={day}/{stamp}.json"
        yield key, json.dumps(envelope | fetched, ensure_ascii=False).encode()


def dated(page: str, day: date) -> str:
    """A page of the same portfolio on another day."""
    answer = json.loads(page)
    answer["header"]["date"] = f"{day:%d/%m/%y}"
    return json.dumps(answer, ensure_ascii=False)
