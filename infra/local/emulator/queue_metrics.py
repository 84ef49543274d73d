"""The `AWS/SQS` metrics of alarms and dashboards, of which ministack records none.

Every few seconds, per queue: ApproximateNumberOfMessagesVisible, …NotVisible, …Delayed and
ApproximateAgeOfOldestMessage (AWS: every minute). NumberOfMessagesSent counts SendMessage and
SendMessageBatch, including redrives, but not deliveries of S3, SNS or EventBridge and, as on AWS,
not messages that SQS moves to a dead-letter queue. NumberOfMessagesReceived counts the messages
that functions get. For a queue with a function it is always reported, as zero if there are none,
because Lambda polls all the time.

Patches in `ministack.services.sqs`: `_act_send_message` and its entry in `_HANDLERS`,
`_receive_messages_for_esm`. Uses `_queues` there, `_esms` of `ministack.services.lambda_svc` and
`record_metric` of `ministack.services.cloudwatch`.
"""

import threading
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, lambda_svc, sqs

import pinned

JSON = dict[str, Any]
NAMESPACE = "AWS/SQS"
INTERVAL_SECONDS = 2.0


def install() -> None:
    pinned.require(sqs, "_act_send_message", "_HANDLERS", "_queues", "_receive_messages_for_esm")
    pinned.require(lambda_svc, "_esms")
    pinned.require(cloudwatch, "record_metric")
    send = sqs._act_send_message

    def send_and_count(request: JSON, queue_url: str) -> JSON:
        answer = send(request, queue_url)
        name = request.get("QueueUrl", queue_url).rsplit("/", 1)[-1]
        record("NumberOfMessagesSent", 1, name)
        return answer

    receive = sqs._receive_messages_for_esm

    def receive_and_count(queue_url: str, size: int) -> list[JSON]:
        batch = receive(queue_url, size)
        if batch:
            record("NumberOfMessagesReceived", len(batch), queue_url.rsplit("/", 1)[-1])
        return batch

    sqs._receive_messages_for_esm = receive_and_count
    sqs._act_send_message = send_and_count
    sqs._HANDLERS["SendMessage"] = send_and_count
    threading.Thread(target=sample_for_ever, name="queue-metrics", daemon=True).start()


def sample_for_ever() -> None:
    while True:
        time.sleep(INTERVAL_SECONDS)
        read = {mapping["EventSourceArn"] for _, mapping in lambda_svc._esms.all_items()}
        for _, queue in list(sqs._queues.all_items()):
            arn = queue["attributes"]["QueueArn"]
            _, _, _, region, account, name = arn.split(":")
            with request_scope(account, region):
                sample(name, list(queue["messages"]))
                if arn in read:
                    record("NumberOfMessagesReceived", 0, name)


def sample(name: str, messages: list[JSON]) -> None:
    now = time.time()
    visible = [message for message in messages if message["visible_at"] <= now]
    delayed = [m for m in messages if m["visible_at"] > now and not m.get("receive_count")]
    age = max((now - message["sent_at"] for message in messages), default=0.0)
    record("ApproximateNumberOfMessagesVisible", len(visible), name)
    record("ApproximateNumberOfMessagesDelayed", len(delayed), name)
    in_flight = len(messages) - len(visible) - len(delayed)
    record("ApproximateNumberOfMessagesNotVisible", in_flight, name)
    record("ApproximateAgeOfOldestMessage", age, name, "Seconds")


def record(metric: str, value: float, queue_name: str, unit: str = "Count") -> None:
    cloudwatch.record_metric(NAMESPACE, metric, value, unit, {"QueueName": queue_name})
