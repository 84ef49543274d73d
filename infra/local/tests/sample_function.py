"""A function on `provided.al2023`: a bootstrap with the loop over Lambda's Runtime API.

Its message says what it does: {"fail": true} is reported as a failed item, {"raise": true} fails
the invocation, {"hang": true} never answers, {"answer": …} is answered as it is,
{"put": [bucket, key]} writes an object with the function's own rights.
"""

import json
import os
import signal
import sys
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def handle(event: dict) -> dict:
    failed = []
    print(f"batch of {len(event['Records'])}", flush=True)
    for record in event["Records"]:
        body = json.loads(record["body"])
        print(f"message {record['body']}", flush=True)
        if body.get("environment"):
            print("environment " + json.dumps(dict(os.environ)), flush=True)
        if body.get("hang"):
            signal.pause()
        if body.get("raise"):
            raise ValueError("asked to raise")
        if body.get("fail"):
            failed.append({"itemIdentifier": record["messageId"]})
        if "answer" in body:
            return body["answer"]
        if body.get("put"):
            put(*body["put"])
    return {"batchItemFailures": failed}


def put(bucket: str, key: str) -> None:
    sys.path.append(os.environ["SITE_PACKAGES"])
    import boto3

    try:
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"by a function")
        print(f"put {key}", flush=True)
    except Exception as error:
        print(f"put {key} failed: {error}", flush=True)


def post(path: str, answer: dict) -> None:
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(f"{API}/{path}", data=body)).read()


print(f"started {os.getpid()}", flush=True)
while True:
    with urllib.request.urlopen(f"{API}/next") as response:
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(response)
    try:
        post(f"{request_id}/response", handle(event))
    except ValueError as error:
        failure = {"errorMessage": str(error), "errorType": "ValueError"}
        post(f"{request_id}/error", failure)
