"""The part of DQDL that the project's rules use, evaluated by the Spark of the tests."""

import re

from pyspark.sql import DataFrame

CHECK = re.compile(r'(?P<kind>\w+)(?P<words>(?: "[^"]*")*)(?: (?P<operator>>|=) (?P<number>\d+))?')
OPERATORS = {">": int.__gt__, "=": int.__eq__}


def holds(rule: str, primary: DataFrame, **others: DataFrame) -> bool:
    """Whether one rule holds of a dataset; what its SQL calls by other names stands beside it."""
    if rule.startswith("("):
        parts = re.findall(r"\(([^()]*)\)", rule)
        assert " and ".join(f"({part})" for part in parts) == rule
        return all(holds(part, primary) for part in parts)
    found = CHECK.fullmatch(rule)
    assert found, rule
    words = re.findall(r'"([^"]*)"', found["words"])
    match found["kind"]:
        case "RowCount" if not words:
            value = primary.count()
        case "IsComplete" if len(words) == 1:
            return primary.where(f"`{words[0]}` is null").isEmpty()
        case "IsPrimaryKey" if words:
            keys = primary.select(words).collect()
            return len(set(keys)) == len(keys) and not any(None in key for key in keys)
        case "CustomSql" if len(words) == 1:
            for name, frame in {"primary": primary, **others}.items():
                frame.createOrReplaceTempView(name)
            ((value,),) = primary.sparkSession.sql(words[0]).collect()
        case _:
            raise AssertionError(rule)
    return OPERATORS[found["operator"]](value, int(found["number"]))
