"""Behaviours of S3 and its notifications that the pipeline relies on, under IAM."""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import QueueWithDeadLetters, Roles
from emulator_process import Emulator


def status(error: pytest.ExceptionInfo[ClientError]) -> int:
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_conditional_writes_have_one_winner(emulator: Emulator, name: str) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    tag = s3.put_object(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as exists:
        s3.put_object(Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")
    assert status(exists) == 412
    s3.put_object(Bucket=name, Key="k", Body=b"3", IfMatch=tag)
    with pytest.raises(ClientError) as stale:
        s3.put_object(Bucket=name, Key="k", Body=b"4", IfMatch=tag)
    assert status(stale) == 412
    with pytest.raises(ClientError) as absent:
        s3.put_object(Bucket=name, Key="absent", Body=b"5", IfMatch=tag)
    assert status(absent) == 404


def test_a_listing_goes_on_where_it_was_asked_to(emulator: Emulator, name: str) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    for number in range(5):
        s3.put_object(Bucket=name, Key=f"landing/{number}", Body=b"")
    after = s3.list_objects_v2(Bucket=name, Prefix="landing/", StartAfter="landing/1", MaxKeys=2)
    assert [entry["Key"] for entry in after["Contents"]] == ["landing/2", "landing/3"]
    assert after["IsTruncated"]
    rest = s3.list_objects_v2(
        Bucket=name, Prefix="landing/", ContinuationToken=after["NextContinuationToken"]
    )
    assert [entry["Key"] for entry in rest["Contents"]] == ["landing/4"]


def test_a_created_object_is_told_to_a_queue_that_lets_s3_send(
    emulator: Emulator, name: str, queue: QueueWithDeadLetters
) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "raw/"}]}}
    notification = {"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"], "Filter": prefix}
    configuration = {"QueueConfigurations": [notification]}
    with pytest.raises(ClientError, match="InvalidArgument"):
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration=configuration
        )
    queue.allow("s3")
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    assert json.loads(queue.receive()[0]["Body"])["Event"] == "s3:TestEvent"

    s3.put_object(Bucket=name, Key="elsewhere/x", Body=b"")
    s3.put_object(Bucket=name, Key="raw/date=2026-11-20/ibov setor.parquet", Body=b"x")

    event = json.loads(queue.receive()[0]["Body"])["Records"][0]["s3"]
    assert event["object"]["key"] == "raw/date%3D2026-11-20/ibov+setor.parquet"
    assert event["object"]["versionId"]


@pytest.mark.parametrize(("denied", "passes"), [("false", True), ("true", False)])
def test_a_policy_that_asks_for_tls_lets_local_requests_pass(
    emulator: Emulator, name: str, role: Roles, denied: str, passes: bool
) -> None:
    owner = emulator.client("s3")
    owner.create_bucket(Bucket=name)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": denied}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    owner.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    writer = role.allowing("lambda", ("s3:PutObject", f"arn:aws:s3:::{name}/*"))
    s3 = emulator.as_role(writer, "s3")
    if passes:
        s3.put_object(Bucket=name, Key="k", Body=b"")
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=name, Key="k", Body=b"")


def test_a_missing_key_is_forbidden_to_who_may_not_list(
    emulator: Emulator, name: str, role: Roles
) -> None:
    emulator.client("s3").create_bucket(Bucket=name)
    answers = {}
    for right in ("s3:GetObject", "s3:ListBucket"):
        rights = [("s3:GetObject", f"arn:aws:s3:::{name}/*"), (right, f"arn:aws:s3:::{name}")]
        arn = role.allowing("lambda", *rights)
        s3 = emulator.as_role(arn, "s3")
        with pytest.raises(ClientError) as missing:
            s3.head_object(Bucket=name, Key="absent")
        answers[right] = status(missing)
    assert answers == {"s3:GetObject": 403, "s3:ListBucket": 404}
