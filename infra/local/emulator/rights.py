"""Checks of rights that ministack's own services omit: of a role, and of a service on a queue.

Uses `evaluate`, `EvalContext`, `_gather_role_policies` of `ministack.core.iam_evaluator` and
`queue_policy_allows` of `ministack.services.sqs`.
"""

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import sqs

import pinned


def install() -> None:
    pinned.require(iam_evaluator, "evaluate", "EvalContext", "_gather_role_policies")
    pinned.require(sqs, "queue_policy_allows")


def role_allows(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the policies of the role allow `action` on `resource_arn`."""
    account = get_account_id()
    name = role_arn.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/emulator",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    return iam_evaluator.evaluate(context, policies).decision == "Allow"


def queue_lets(service: str, queue_arn: str, source_arn: str) -> bool:
    """Whether the queue's policy lets an AWS service send to it on behalf of `source_arn`."""
    return sqs.queue_policy_allows(queue_arn, service, source_arn, get_account_id())
