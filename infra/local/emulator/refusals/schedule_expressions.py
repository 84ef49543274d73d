"""Whether AWS accepts a text as a schedule: `cron(…)` with six fields, `rate(…)`, `at(…)`.

A field of cron is a list of values, ranges and steps, with names for months and days of the week;
exactly one of day-of-month and day-of-week is `?`.
"""

import datetime
import re
from dataclasses import dataclass, field

RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
CRON = re.compile(r"cron\((.+)\)")
AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Field:
    least: int
    most: int
    # Names of the values, beginning with `least`.
    names: tuple[str, ...] = ()
    # Other forms of days: the last one, the nearest weekday, the third Monday.
    special: re.Pattern[str] = field(default=re.compile(r"(?!)"))

    def takes(self, text: str) -> bool:
        return all(self.takes_item(item) for item in text.upper().split(","))

    def takes_item(self, item: str) -> bool:
        if self.special.fullmatch(item):
            return True
        base, slash, step = item.partition("/")
        if slash and not (step.isascii() and step.isdigit() and 0 < int(step) <= self.most):
            return False
        first, dash, last = base.partition("-")
        if dash:
            return self.has_value(first) and self.has_value(last)
        return first == "*" or self.has_value(first)

    def has_value(self, text: str) -> bool:
        number = text.isascii() and text.isdigit() and self.least <= int(text) <= self.most
        return number or text in self.names


MINUTE, HOUR = Field(0, 59), Field(0, 23)
DAY_OF_MONTH = Field(1, 31, special=re.compile(r"L|LW|([1-9]|[12]\d|3[01])W"))
MONTH = Field(1, 12, MONTHS)
DAY_OF_WEEK = Field(1, 7, DAYS, special=re.compile(rf"L|([1-7]|{'|'.join(DAYS)})(L|#[1-5])"))
YEAR = Field(1970, 2199)


def scheduler_takes(expression: str) -> bool:
    return bool(RATE.fullmatch(expression)) or is_cron(expression) or is_time(expression)


def rule_takes(expression: str) -> bool:
    """Rules have no `at`, and distinguish `1 minute` from `2 minutes`."""
    rate = RATE.fullmatch(expression)
    if rate is not None:
        return (rate[1] == "1") == (rate[3] == "")
    return is_cron(expression)


def is_cron(expression: str) -> bool:
    found = CRON.fullmatch(expression)
    texts = found[1].split() if found else []
    if len(texts) != 6:
        return False
    minute, hour, day_of_month, month, day_of_week, year = texts
    if (day_of_month == "?") == (day_of_week == "?"):
        return False
    return (
        MINUTE.takes(minute)
        and HOUR.takes(hour)
        and (day_of_month == "?" or DAY_OF_MONTH.takes(day_of_month))
        and MONTH.takes(month)
        and (day_of_week == "?" or DAY_OF_WEEK.takes(day_of_week))
        and YEAR.takes(year)
    )


def is_time(expression: str) -> bool:
    found = AT.fullmatch(expression)
    if found is None:
        return False
    try:
        datetime.datetime.fromisoformat(found[1])
    except ValueError:
        return False
    return True
