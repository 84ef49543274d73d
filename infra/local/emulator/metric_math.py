"""The part of CloudWatch's metric math that alarms may use here: + - *, FILL, SUM, MIN, MAX.

Other expressions are refused when the alarm is deployed, so that no alarm silently never goes off.
"""

import ast
from collections.abc import Callable
from typing import Any

Value = float | None

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
}
FUNCTIONS: dict[str, Callable[[list[float]], float]] = {"SUM": sum, "MIN": min, "MAX": max}


def returns_data(query: dict[str, Any]) -> bool:
    """Whether the alarm compares this query's result, as is CloudWatch's default."""
    return str(query.get("ReturnData", True)).lower() == "true"


def check(queries: list[dict[str, Any]]) -> None:
    """Refuses an expression that cannot be evaluated here, naming the part."""
    returned = [query for query in queries if returns_data(query)]
    if len(returned) != 1:
        raise ValueError(
            f"an alarm needs exactly one of its Metrics to return data, not {len(returned)}"
        )
    names = {query["Id"]: 1.0 for query in queries if "MetricStat" in query}
    for query in queries:
        if "Expression" in query and query not in returned:
            raise ValueError(
                f"Expression {query['Expression']!r}: only the last step may be an expression"
            )
        if "Expression" in query:
            value(query["Expression"], names)


def value(expression: str, known: dict[str, Value]) -> Value:
    """The expression's value for these values of the metrics; None if a needed one is missing."""
    return evaluate(ast.parse(expression, mode="eval").body, known, expression)


def evaluate(node: ast.expr, known: dict[str, Value], expression: str) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            values = [evaluate(side, known, expression) for side in (left, right)]
            if values[0] is None or values[1] is None:
                return None
            return OPERATORS[type(operator)](values[0], values[1])
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, ast.Constant(value=default)]):
            found = evaluate(filled, known, expression)
            return float(default) if found is None else found
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=elements)]) if name in FUNCTIONS:
            values = [evaluate(element, known, expression) for element in elements]
            present = [found for found in values if found is not None]
            return FUNCTIONS[name](present) if present else None
    raise ValueError(
        f"metric math {expression!r}: {ast.unparse(node)!r} is not supported by the emulator, "
        f"which knows metric ids, numbers, + - *, FILL(m, number), SUM([…]), MIN([…]) and MAX([…])"
    )
