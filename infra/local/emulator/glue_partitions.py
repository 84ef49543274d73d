"""Glue's API for the partitions of a catalog table.

- BatchDeletePartition, which ministack does not know.
- BatchCreatePartition. For each new partition, ministack looks through all that there are, so that
  the time grows with the square of their number.
- GetPartitions in pages, by Expression, and without columns if ExcludeColumnSchema is set;
  ministack returns everything. An Expression may compare keys with texts and join comparisons by
  AND; others are refused rather than evaluated differently from AWS.
- Partitions of a missing table are refused, and too many of them in one call.
- The caller needs rights to the catalog and the table; ministack checks only the database.

Patches in `ministack.services.glue`: `_handle_request_sync`. Uses `_tables` and `_partitions`
there, `enforce` of `ministack.core.iam_evaluator` and `extract_access_key_id`
of `ministack.core.router`.
"""

import json
import operator
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator, router
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import glue

import pinned

JSON = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

# Fewer than Glue's 1000: AWS promises no page size, so callers must not rely on one.
PAGE_SIZE = 100
# The list in each batch call, and its maximum length.
BATCHES = {
    "BatchCreatePartition": ("PartitionInputList", 100),
    "BatchUpdatePartition": ("Entries", 100),
    "BatchDeletePartition": ("PartitionsToDelete", 25),
}
GUARDED = {"GetTable", "GetPartitions", *BATCHES}

COMPARISON = r"(\w+)\s*(<=|>=|<>|!=|=|<|>)\s*'((?:[^']|'')*)'"
EXPRESSION = re.compile(rf"\s*{COMPARISON}(?:\s+AND\s+{COMPARISON})*\s*", re.IGNORECASE)
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

# Calls that change partitions read a list and then write it.
_changes = threading.Lock()


def install() -> None:
    pinned.require(glue, "_handle_request_sync", "_tables", "_partitions")
    pinned.require(iam_evaluator, "enforce")
    pinned.require(router, "extract_access_key_id")
    handle_others = glue._handle_request_sync

    def handle(method: str, path: str, headers: JSON, body: bytes, query: JSON) -> Response:
        action = headers.get("x-amz-target", "").rpartition(".")[2]

        def answer_of_ministack() -> Response:
            return handle_others(method, path, headers, body, query)

        if action not in GUARDED:
            return answer_of_ministack()
        request = json.loads(body or b"{}")
        refusal = refused(action, request, router.extract_access_key_id(headers, query))
        if refusal is not None:
            return refusal
        if action == "GetPartitions":
            return get_partitions(request)
        with _changes:
            if action == "BatchCreatePartition":
                return batch_create_partition(request)
            if action == "BatchDeletePartition":
                return batch_delete_partition(request)
            return answer_of_ministack()

    glue._handle_request_sync = handle


def refused(action: str, request: JSON, access_key: str) -> Response | None:
    """The response to a refused call; None if the call is allowed."""
    database = request.get("DatabaseName", "")
    table = request.get("Name" if action == "GetTable" else "TableName", "")
    catalog = f"arn:aws:glue:{get_region()}:{get_account_id()}"
    for arn in (f"{catalog}:catalog", f"{catalog}:table/{database}/{table}"):
        if iam_evaluator.enforce(access_key, f"glue:{action}", "glue", get_region(), arn):
            message = f"not authorized to perform: glue:{action} on resource: {arn}"
            return error_response_json("AccessDeniedException", message, 400)
    if f"{database}/{table}" not in glue._tables:
        return error_response_json("EntityNotFoundException", f"Table {table} not found.", 400)
    parameter, limit = BATCHES.get(action, ("", 0))
    count = len(request.get(parameter, []))
    if count > limit:
        message = f"{count} entries in {parameter}, at most {limit} are allowed"
        return error_response_json("ValidationException", message, 400)
    return None


def batch_create_partition(request: JSON) -> Response:
    database, table = request["DatabaseName"], request["TableName"]
    partitions = glue._partitions.setdefault(f"{database}/{table}", [])
    present = {tuple(partition["Values"]) for partition in partitions}
    errors = []
    for entry in request["PartitionInputList"]:
        values = tuple(entry["Values"])
        if values in present:
            errors.append(partition_error(entry, "AlreadyExistsException", "already exists"))
            continue
        present.add(values)
        its_place = {"DatabaseName": database, "TableName": table, "CatalogId": get_account_id()}
        partitions.append({**entry, **its_place, "CreationTime": int(time.time())})
    return json_response({"Errors": errors})


def batch_delete_partition(request: JSON) -> Response:
    name = f"{request['DatabaseName']}/{request['TableName']}"
    partitions = glue._partitions.get(name, [])
    present = {tuple(partition["Values"]) for partition in partitions}
    errors, dropped = [], set()
    for entry in request["PartitionsToDelete"]:
        values = tuple(entry["Values"])
        if values in present:
            present.remove(values)
            dropped.add(values)
        else:
            errors.append(partition_error(entry, "EntityNotFoundException", "not found"))
    if dropped:
        left = [each for each in partitions if tuple(each["Values"]) not in dropped]
        glue._partitions[name] = left
    return json_response({"Errors": errors})


def partition_error(entry: JSON, code: str, what: str) -> JSON:
    detail = {"ErrorCode": code, "ErrorMessage": f"Partition {what}"}
    return {"PartitionValues": entry["Values"], "ErrorDetail": detail}


def get_partitions(request: JSON) -> Response:
    name = f"{request['DatabaseName']}/{request['TableName']}"
    keys = [key["Name"].lower() for key in glue._tables[name].get("PartitionKeys", [])]
    try:
        matches = matcher(request.get("Expression") or "", keys)
    except ValueError as error:
        return error_response_json("InvalidInputException", str(error), 400)
    found = [entry for entry in glue._partitions.get(name, []) if matches(entry["Values"])]
    first = int(request.get("NextToken") or 0)
    last = first + min(int(request.get("MaxResults") or PAGE_SIZE), PAGE_SIZE)
    page = found[first:last]
    if request.get("ExcludeColumnSchema"):
        page = [without_columns(partition) for partition in page]
    answer: JSON = {"Partitions": page}
    if last < len(found):
        answer["NextToken"] = str(last)
    return json_response(answer)


def matcher(expression: str, keys: list[str]) -> Callable[[list[str]], bool]:
    """A predicate on a partition's values. They compare as text, which is right for strings and
    dates."""
    if not expression.strip():
        return lambda _values: True
    if not EXPRESSION.fullmatch(expression):
        raise ValueError(f"Expression {expression!r}: only key = 'text' AND … is understood here")
    comparisons = []
    for key, sign, text in re.findall(COMPARISON, expression):
        if key.lower() not in keys:
            raise ValueError(f"Expression {expression!r}: {key} is no partition key, {keys} are")
        comparisons.append((keys.index(key.lower()), OPERATORS[sign], text.replace("''", "'")))
    return lambda values: all(
        compare(values[position], text) for position, compare, text in comparisons
    )


def without_columns(partition: JSON) -> JSON:
    storage = partition.get("StorageDescriptor", {})
    rest = {name: value for name, value in storage.items() if name != "Columns"}
    return {**partition, "StorageDescriptor": rest}
