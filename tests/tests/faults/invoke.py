"""Invokes a function with a batch of messages, as Lambda does for a mapping with such batches.

    invoke.py <endpoint> <function> <file with a JSON list of bodies>

It exists because the emulator's mappings take ten messages at most. It prints the function's
response.
"""

import json
import sys
from pathlib import Path

import boto3


def record(number: int, body: str) -> dict[str, object]:
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
    }


def main(endpoint: str, function: str, bodies: str) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    texts = json.loads(Path(bodies).read_text(encoding="utf-8"))
    event = {"Records": [record(number, body) for number, body in enumerate(texts)]}
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
    print(answer["Payload"].read().decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
