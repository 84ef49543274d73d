"""Starts of Athena queries: the workgroup's settings, and the values for a query's question marks.

A workgroup that enforces its settings ignores where a query wants its results. ministack obeys the
query, takes workgroups that do not exist, and knows no execution parameters. A value stands for one
question mark and is written as in SQL, so that a text comes with its quotes; comments and texts of
the query have no parameters in them.

Patches in `ministack.services.athena`: `_start_query_execution`, `_execute_query`. Uses
`_executions`, `_workgroups`, `_sql_tokens`.
"""

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import athena

import pinned

JSON = dict[str, Any]


def install() -> None:
    pinned.require(
        athena,
        *("_start_query_execution", "_execute_query", "_executions", "_workgroups", "_sql_tokens"),
    )
    start, execute = athena._start_query_execution, athena._execute_query

    def start_query_execution(request: JSON) -> Any:
        name = request.get("WorkGroup", "primary")
        workgroup = athena._workgroups.get(name)
        if workgroup is None:
            message = f"WorkGroup {name} is not found."
            return error_response_json("InvalidRequestException", message, 400)
        if workgroup["Configuration"].get("EnforceWorkGroupConfiguration"):
            request = request | {"ResultConfiguration": {}}
        status, headers, body = start(request)
        if status == 200:
            # The query is a task by now, which does not begin before this function is left.
            execution = athena._executions[json.loads(body)["QueryExecutionId"]]
            execution["ExecutionParameters"] = request.get("ExecutionParameters", [])
        return status, headers, body

    async def execute_query(query_id: str, query: str, *others: Any) -> None:
        execution = athena._executions[query_id]
        try:
            query = bound(query, execution["ExecutionParameters"])
        except ValueError as error:
            execution["Status"] |= {"State": "FAILED", "StateChangeReason": str(error)}
            return
        await execute(query_id, query, *others)

    athena._start_query_execution = start_query_execution
    athena._execute_query = execute_query


def bound(query: str, values: list[str]) -> str:
    """The query with a value in the place of each question mark."""
    tokens = athena._sql_tokens(query)
    marks = [start for kind, text, start, _ in tokens if (kind, text) == ("punct", "?")]
    if len(marks) != len(values):
        raise ValueError(
            f"Incorrect number of parameters: expected {len(marks)} but found {len(values)}"
        )
    for mark, value in sorted(zip(marks, values, strict=True), reverse=True):
        query = f"{query[:mark]}{value}{query[mark + 1 :]}"
    return query
