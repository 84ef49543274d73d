from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_process import Emulator
from refused import refused

# 1,024 bytes, fewer characters.
LONGEST_KEY = "raw/date=2026-11-25/" + "ã" * 502
METADATA = {"landing-key": "k" * 1_000, "sha256": "s" * (2_048 - 1_000 - 17)}
LARGER = METADATA | {"sha256": METADATA["sha256"] + "s"}
KEY, META = "KeyTooLongError", "MetadataTooLarge"


@pytest.fixture
def s3(emulator: Emulator, name: str) -> Any:
    client = emulator.client("s3")
    client.create_bucket(Bucket=name)
    return client


def test_a_key_has_at_most_1024_bytes(s3: Any, name: str) -> None:
    assert len(LONGEST_KEY.encode()) == 1_024
    s3.put_object(Bucket=name, Key=LONGEST_KEY, Body=b"b")
    assert s3.get_object(Bucket=name, Key=LONGEST_KEY)["Body"].read() == b"b"
    s3.copy_object(Bucket=name, Key=LONGEST_KEY[::-1], CopySource=f"{name}/{LONGEST_KEY}")
    too_long = {"Bucket": name, "Key": LONGEST_KEY + "k"}
    for call, more in (
        (s3.put_object, {"Body": b"b"}),
        (s3.get_object, {}),
        (s3.delete_object, {}),
        (s3.create_multipart_upload, {}),
        (s3.copy_object, {"CopySource": f"{name}/{LONGEST_KEY}"}),
    ):
        with refused(KEY, "key is too long"):
            call(**too_long, **more)


def test_the_head_of_a_key_that_is_too_long_is_a_bad_request(s3: Any, name: str) -> None:
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=name, Key=LONGEST_KEY + "k")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_metadata_has_at_most_2048_bytes(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"b", Metadata=METADATA)
    assert s3.head_object(Bucket=name, Key="k")["Metadata"] == METADATA
    with refused(META, "metadata headers exceed"):
        s3.put_object(Bucket=name, Key="larger", Body=b"b", Metadata=LARGER)
    with refused(META, "metadata headers exceed"):
        s3.create_multipart_upload(Bucket=name, Key="larger", Metadata=LARGER)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=name)["Contents"]] == ["k"]


def test_a_copy_may_replace_metadata_by_as_much(s3: Any, name: str) -> None:
    s3.put_object(Bucket=name, Key="k", Body=b"b")
    copy = {"Bucket": name, "Key": "copy", "CopySource": f"{name}/k"}
    s3.copy_object(**copy, Metadata=METADATA, MetadataDirective="REPLACE")
    with refused(META, "metadata headers exceed"):
        s3.copy_object(**copy, Metadata=LARGER, MetadataDirective="REPLACE")
