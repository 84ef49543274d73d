"""Three CloudFormation types that ministack refuses: Athena queries, rulesets and budgets.

`AWS::Athena::NamedQuery` becomes a named query that GetNamedQuery returns.
`AWS::Glue::DataQualityRuleset` and `AWS::Budgets::Budget` are accepted and store nothing: here
nothing checks data quality, and nothing costs money.

Patches in `ministack.services.cloudformation.provisioners`: `_RESOURCE_HANDLERS` (three types
added). Uses `_create_named_query`, `_delete_named_query` of `ministack.services.athena`.
"""

import json
from typing import Any

from ministack.services import athena
from ministack.services.cloudformation import provisioners

import pinned

Properties = dict[str, Any]


def install() -> None:
    pinned.require(provisioners, "_RESOURCE_HANDLERS")
    pinned.require(athena, "_create_named_query", "_delete_named_query")
    provisioners._RESOURCE_HANDLERS |= {
        "AWS::Athena::NamedQuery": {"create": create_named_query, "delete": delete_named_query},
        "AWS::Glue::DataQualityRuleset": {"create": create_ruleset, "delete": delete_nothing},
        "AWS::Budgets::Budget": {"create": create_budget, "delete": delete_nothing},
    }


def create_named_query(
    _logical_id: str, properties: Properties, _stack: str
) -> tuple[str, Properties]:
    status, _, body = athena._create_named_query(properties)
    answer = json.loads(body)
    if status >= 300:
        raise ValueError(f"AWS::Athena::NamedQuery create failed: {answer}")
    query_id = answer["NamedQueryId"]
    return query_id, {"NamedQueryId": query_id}


def delete_named_query(physical_id: str, _properties: Properties) -> None:
    athena._delete_named_query({"NamedQueryId": physical_id})


def create_ruleset(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
    return properties.get("Name") or f"{stack}-{logical_id}", {}


def create_budget(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
    return properties["Budget"].get("BudgetName") or f"{stack}-{logical_id}", {}


def delete_nothing(_physical_id: str, _properties: Properties) -> None:
    """Nothing was stored."""
