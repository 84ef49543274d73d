"""Athena views: those in the catalog, and those that CREATE VIEW adds to it.

A view in Glue is a table of type VIRTUAL_VIEW whose ViewOriginalText wraps, in base64, the SQL that
Athena runs. ministack knows neither these nor the statement.

Patches in `ministack.services.athena`: `_run_duckdb`. Uses `_table_references`, and `_tables`,
`_create_table`, `_update_table` of `ministack.services.glue`.
"""

import base64
import json
import re
from typing import Any

from ministack.services import athena, glue

import pinned

JSON = dict[str, Any]
PRESTO_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")
CREATE_VIEW = re.compile(
    r"\s*CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+"
    r"(?:[\"`]?(?P<database>\w+)[\"`]?\.)?[\"`]?(?P<name>\w+)[\"`]?\s+AS\s+(?P<sql>.+?);?\s*",
    re.IGNORECASE | re.DOTALL,
)
# Views may refer to views; Athena has a limit too.
DEPTH = 10
NOTHING: JSON = {"columns": [], "rows": [], "column_types": []}


def install() -> None:
    pinned.require(athena, "_run_duckdb", "_table_references")
    pinned.require(glue, "_tables", "_create_table", "_update_table")
    run_query = athena._run_duckdb

    async def run_duckdb(query: str, database: str | None, catalog: str | None = None) -> JSON:
        statement = CREATE_VIEW.fullmatch(query)
        if statement is None:
            return await run_query(query, database, catalog)
        described = await run_query(f"DESCRIBE {statement['sql']}", database, catalog)
        store_view(statement, database or "default", described["rows"])
        return NOTHING

    athena._run_duckdb = run_duckdb


def expand(query: str, database: str | None) -> str:
    """Replaces the names of views by their SQL until none is left."""
    for _ in range(DEPTH):
        edits = set()
        for reference in athena._table_references(query):
            schema = reference.database or database or "default"
            table = glue._tables.get(f"{schema}/{reference.table}")
            if table and table.get("TableType") == "VIRTUAL_VIEW":
                alias = "" if reference.aliased else f' AS "{reference.table}"'
                edits.add((reference.start, reference.end, f"({definition(table)}){alias}"))
        if not edits:
            return query
        for start, end, text in sorted(edits, reverse=True):
            query = query[:start] + text + query[end:]
    raise ValueError(f"views are nested deeper than {DEPTH}: {query[:200]}")


def definition(table: JSON) -> str:
    """The view's SQL, with unqualified table names resolved in the view's own schema."""
    wrapped = PRESTO_VIEW.search(table.get("ViewOriginalText") or "")
    if wrapped is None:
        raise ValueError(
            f"view {table['DatabaseName']}.{table['Name']}: "
            "ViewOriginalText is not '/* Presto View: <base64> */'"
        )
    view = json.loads(base64.b64decode(wrapped[1]))
    sql, schema = view["originalSql"], view.get("schema") or table["DatabaseName"]
    for reference in sorted(athena._table_references(sql), key=lambda found: -found.start):
        known = f"{schema}/{reference.table}" in glue._tables
        if reference.database is None and known:
            sql = f'{sql[: reference.start]}"{schema}".{sql[reference.start :]}'
    return sql


def store_view(statement: re.Match[str], database: str, described: list[list[Any]]) -> None:
    database = statement["database"] or database
    columns = [{"Name": str(row[0]).lower(), "Type": athena_type(str(row[1]))} for row in described]
    body = {
        "originalSql": statement["sql"],
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column["Name"], "type": column["Type"]} for column in columns],
    }
    wrapped = base64.b64encode(json.dumps(body).encode()).decode()
    request = {
        "DatabaseName": database,
        "TableInput": {
            "Name": statement["name"].lower(),
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "ViewOriginalText": f"/* Presto View: {wrapped} */",
            "ViewExpandedText": "/* Presto View */",
            "StorageDescriptor": {"Columns": columns},
        },
    }
    exists = f"{database}/{request['TableInput']['Name']}" in glue._tables
    if exists and not statement["replace"]:
        raise ValueError(f"View {database}.{statement['name']} already exists")
    status, _, answer = (glue._update_table if exists else glue._create_table)(request)
    if status >= 300:
        raise ValueError(f"cannot store view {database}.{statement['name']}: {answer.decode()}")


def athena_type(duckdb_type: str) -> str:
    lowered = duckdb_type.lower()
    return {"varchar": "string", "integer": "int"}.get(lowered, lowered)
