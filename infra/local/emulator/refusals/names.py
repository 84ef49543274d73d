"""Names of a stack's resources: they refuse a long stack name, or one with capitals.

The modules of queues, schedules and rules check their names themselves, also in requests.

CloudFormation: the types of `NAMES`.
"""

import re
from typing import Any

from refusals.guard import RefusedError, guard_resource

JSON = dict[str, Any]

# By type: the property with the name, its pattern, and AWS's message.
NAMES = {
    "AWS::CloudWatch::Alarm": ("AlarmName", r".{1,255}", "ValidationError"),
    "AWS::Lambda::Function": ("FunctionName", r"[A-Za-z0-9_-]{1,64}", "ValidationException"),
    "AWS::Logs::LogGroup": (
        "LogGroupName",
        r"[A-Za-z0-9_/.#-]{1,512}",
        "InvalidParameterException",
    ),
    "AWS::S3::Bucket": ("BucketName", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "InvalidBucketName"),
    "AWS::SNS::Topic": ("TopicName", r"[A-Za-z0-9_-]{1,256}(\.fifo)?", "InvalidParameter"),
}


def install() -> None:
    for resource_type in NAMES:
        guard_resource(resource_type, check_of(resource_type))


def check_of(resource_type: str) -> Any:
    attribute, pattern, code = NAMES[resource_type]

    def check_name(properties: JSON, _physical_id: str | None) -> None:
        name = properties.get(attribute)
        if name is not None and not re.fullmatch(pattern, name):
            raise RefusedError(
                code, f"{attribute} '{name}' is not valid: it must match ^{pattern}$"
            )

    return check_name
