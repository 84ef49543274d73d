"""The smoke test of deployments, with the role that a deployment has, against a lake that the test
fills as the functions would."""

import base64
import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from emulator_process import LOCAL, Emulator
from template_part import TEMPLATE, Loader, template_part

sys.path.insert(0, str(LOCAL.parent))

import smoke

ISSUER = "token.actions.githubusercontent.com"
JOB = "repo:owner/name:environment:production"
DAY, OLD_DAY = "2026-11-20", "2026-11-19"
QUEUES = [f"{stage}{kind}" for stage in smoke.STAGES for kind in ("Queue", "Dlq")]
OUTPUTS = ("BucketName", "DatabaseName", *(f"{queue}Url" for queue in QUEUES))


class Chain:
    """A deployed stack without functions: the test does their work."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.emulator, self.name = emulator, name
        self.s3, self.sqs, self.glue = map(emulator.client, ("s3", "sqs", "glue"))
        self.deploy()
        self.bucket = f"{name}-lake-000000000000"
        self.role = self.deploy_role()

    def deploy(self) -> None:
        template = template_part(*QUEUES, "LakeBucket", "GlueDatabase", "RefinedTable")
        bucket = template["Resources"]["LakeBucket"]
        # No function listens to this bucket.
        del bucket["DependsOn"], bucket["Properties"]["NotificationConfiguration"]
        outputs = yaml.load(TEMPLATE.read_text(), Loader)["Outputs"]
        template["Outputs"] = {name: outputs[name] for name in OUTPUTS}
        self.create(
            self.name,
            template,
            AlertEmail="nobody@example.com",
            DatabaseName=self.name,
            CreateDatabase="true",
        )

    def deploy_role(self) -> str:
        template = yaml.load((LOCAL.parent / "deploy-role.yaml").read_text(), Loader)
        parameters = {"Repository": "owner/name", "PipelineStack": self.name}
        self.create(
            f"{self.name}-role",
            template,
            **parameters,
            PipelineDatabase=self.name,
            CreateProvider="false",
        )
        (stack,) = self.emulator.client("cloudformation").describe_stacks(
            StackName=f"{self.name}-role"
        )["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return outputs["DeployRoleArn"]

    def create(self, name: str, template: dict[str, Any], **parameters: str) -> None:
        cloudformation = self.emulator.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )

    def smoke(self, timeout: float) -> str:
        """The smoke test as a deployment runs it, in less time."""
        return smoke.run(smoke.Stack(self.name, self.as_job()), timeout, poll=0.2)

    def as_job(self, subject: str = JOB) -> Callable[[str], Any]:
        """Clients of a job that GitHub signed a token for."""
        claims = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": subject}
        # The emulator reads tokens and does not check who signed them.
        parts = ({"alg": "none"}, claims, {})
        encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
        keys = self.emulator.client("sts").assume_role_with_web_identity(
            RoleArn=self.role,
            RoleSessionName="test",
            WebIdentityToken=b".".join(encoded).decode().replace("=", ""),
        )["Credentials"]
        secrets = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        return lambda service: self.emulator.client(service, *secrets)

    def take_request(self) -> None:
        url = self.url("fetch-queue")
        messages = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages")
        assert messages, "nobody asked"
        assert messages[0]["Body"] == "{}"
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])

    def url(self, queue: str) -> str:
        return self.sqs.get_queue_url(QueueName=f"{self.name}-{queue}")["QueueUrl"]

    def land(self, day: str, time: str) -> str:
        key = f"landing/index=IBOV/date={day}/{time}-0123456789abcdef.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"{}")
        return key

    def write_raw(self, day: str, answer: str) -> str:
        """The ETag of the raw file."""
        return self.s3.put_object(
            Bucket=self.bucket,
            Key=f"raw/date={day}/ibov_setor.parquet",
            Body=answer.encode(),
            Metadata={"landing-key": answer},
        )["ETag"].strip('"')

    def refine(self, day: str, etag: str) -> None:
        storage = {"Location": f"s3://{self.bucket}/refined/Data={day}/Setor=x/"}
        self.glue.create_partition(
            DatabaseName=self.name,
            TableName="tb_ibov_refined",
            PartitionInput={"Values": [day, "x"], "StorageDescriptor": storage},
        )
        key = f"control/refine/done/date={day}/{etag}"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"{}")

    def whole_day(self, day: str, time: str) -> None:
        self.refine(day, self.write_raw(day, self.land(day, time)))


@pytest.fixture
def chain(emulator: Emulator, name: str) -> Chain:
    return Chain(emulator, name)


@pytest.fixture
def meanwhile() -> Any:
    """Does something while the smoke test waits, and fails the test if that fails."""
    threads, failures = [], []

    def start(work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as failure:
                failures.append(failure)
                raise

        threads.append(threading.Thread(target=guarded))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_new_session_is_waited_for_until_it_is_refined(chain: Chain, meanwhile: Any) -> None:
    chain.whole_day(OLD_DAY, "20261119T100000.000Z")

    def work() -> None:
        chain.take_request()
        answer = chain.land(DAY, "20261120T100000.000Z")
        chain.refine(DAY, chain.write_raw(DAY, answer))

    meanwhile(work)
    assert chain.smoke(timeout=20) == DAY


def test_an_unchanged_answer_needs_no_run(chain: Chain, meanwhile: Any) -> None:
    chain.whole_day(DAY, "20261120T100000.000Z")
    meanwhile(chain.take_request)
    assert chain.smoke(timeout=20) == DAY


def test_a_request_that_is_not_taken_is_no_success(chain: Chain) -> None:
    chain.whole_day(DAY, "20261120T100000.000Z")
    with pytest.raises(smoke.SmokeTestError, match="the fetch request is not done"):
        chain.smoke(timeout=1)


def test_a_raw_file_of_an_older_answer_is_no_success(chain: Chain, meanwhile: Any) -> None:
    chain.whole_day(DAY, "20261120T100000.000Z")
    newer = chain.land(DAY, "20261120T210000.000Z")
    meanwhile(chain.take_request)
    with pytest.raises(smoke.SmokeTestError, match=f"is not made of {newer}"):
        chain.smoke(timeout=1)


def test_each_step_that_is_missing_is_named(chain: Chain, meanwhile: Any) -> None:
    raw = f"raw/date={DAY}/ibov_setor.parquet"

    def ends_with(cause: str) -> None:
        meanwhile(chain.take_request)
        with pytest.raises(smoke.SmokeTestError, match=f"after 1 s {cause}"):
            chain.smoke(timeout=1)

    ends_with("there is nothing in landing/")
    answer = chain.land(DAY, "20261120T100000.000Z")
    ends_with(f"{raw} is not there")
    etag = chain.write_raw(DAY, answer)
    ends_with(f"{raw} is not refined")
    done = f"control/refine/done/date={DAY}/{etag}"
    chain.s3.put_object(Bucket=chain.bucket, Key=done, Body=b"{}")
    ends_with(f"tb_ibov_refined has no partition of {DAY}")


def test_a_message_that_is_parked_ends_the_wait(chain: Chain, meanwhile: Any) -> None:
    chain.whole_day(OLD_DAY, "20261119T100000.000Z")
    # What was parked before says nothing about this deployment.
    chain.sqs.send_message(QueueUrl=chain.url("fetch-dlq"), MessageBody="old")

    def work() -> None:
        chain.take_request()
        chain.land(DAY, "20261120T100000.000Z")
        chain.sqs.send_message(QueueUrl=chain.url("parquet-dlq"), MessageBody="new")

    meanwhile(work)
    with pytest.raises(smoke.SmokeTestError, match=f"ibov parked parquet --stack {chain.name}"):
        chain.smoke(timeout=30)


def test_the_deploy_role_reaches_no_other_stack(chain: Chain) -> None:
    url = chain.sqs.create_queue(QueueName=f"other-{chain.name}-fetch-queue")["QueueUrl"]
    sqs = chain.as_job()("sqs")
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.receive_message(QueueUrl=chain.url("fetch-queue"))


@pytest.mark.parametrize(
    "subject",
    [
        "repo:owner/name:environment:staging",
        "repo:owner/name:ref:refs/heads/main",
        "repo:owner/name:pull_request",
        "repo:another/name:environment:production",
    ],
)
def test_no_other_job_may_take_the_deploy_role(chain: Chain, subject: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        chain.as_job(subject)
