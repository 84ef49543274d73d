"""What may stand in SQL that Athena runs, as far as that can be told without Athena.

Athena's engine version 3 speaks Trino's SQL. sqlglot reads more than that, because it translates.
So a statement is read and written as Athena's, and must come out word for word as it went in.
"""

import itertools
import re

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.tokens import Token, TokenType

# Functions and the page of Trino's documentation that describes each, below
# https://trino.io/docs/current/functions/ (for example aggregate.html).
FUNCTIONS = {
    "cast": "conversion",
    "coalesce": "conditional",
    "count": "aggregate",
    "date_diff": "datetime",
    "lag": "window",
    "max": "aggregate",
    "nullif": "conditional",
    "row_number": "window",
    "sum": "aggregate",
}
# What else stands before a parenthesis: keywords, and the types with a precision.
NO_FUNCTIONS = {"as", "decimal", "filter", "from", "in", "over"}

Schema = dict[str, dict[str, str]]


class AsWritten(Trino.Generator):
    """Trino's SQL, in the spelling that people use where sqlglot has another one."""

    def not_sql(self, expression: exp.Not) -> str:
        test = expression.this
        if isinstance(test, exp.Is) and isinstance(test.expression, exp.Null):
            return f"{self.sql(test, 'this')} IS NOT NULL"
        return super().not_sql(expression)

    TRANSFORMS = Trino.Generator.TRANSFORMS | {
        exp.AtTimeZone: lambda self, at: (
            f"{self.sql(at, 'this')} AT TIME ZONE {self.sql(at, 'zone')}"
        )
    }


def complaints(sql: str, schema: Schema) -> list[str]:
    """Why Athena would not take the statement."""
    try:
        statement = sqlglot.parse_one(sql, read="athena")
    except sqlglot.errors.ParseError as error:
        return [str(error)]
    found = [f"Trino has no function {name}" for name in unknown_functions(sql)]
    written = AsWritten(dialect="trino", comments=False).generate(statement)
    if words(sql) != words(written):
        found.append(f"Trino spells it {written}")
    if re.search(r"\bBY\s+ALL\b", sql, re.IGNORECASE):
        found.append("Trino groups and orders by what is named")
    try:
        qualify(statement, schema=schema, dialect="trino")
    except sqlglot.errors.SqlglotError as error:
        found.append(str(error))
    return found


def columns(sql: str, schema: Schema) -> dict[str, str]:
    """Name and type of each column of the answer, as Athena calls them."""
    statement = qualify(sqlglot.parse_one(sql, read="athena"), schema=schema, dialect="trino")
    typed = annotate_types(statement, schema=schema, dialect="trino")
    return {
        each.alias_or_name: each.type.sql(dialect="trino").lower().replace(", ", ",")
        for each in typed.selects
    }


def unknown_functions(sql: str) -> set[str]:
    return functions(sql) - FUNCTIONS.keys()


def functions(sql: str) -> set[str]:
    """The names of all functions that are called, as they are written."""
    tokens = tokenized(sql)
    return {
        name.text.lower()
        for name, following in itertools.pairwise(tokens)
        if following.token_type == TokenType.L_PAREN and is_name(name)
    } - NO_FUNCTIONS


def is_name(token: Token) -> bool:
    return token.text.replace("_", "").isalnum() and token.token_type != TokenType.STRING


def words(sql: str) -> list[str]:
    return [token.text.upper() for token in tokenized(sql)]


def tokenized(sql: str) -> list[Token]:
    return sqlglot.tokenize(sql, read="trino")
