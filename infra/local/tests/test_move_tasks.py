import pytest
from botocore.exceptions import ClientError

from conftest import QueueWithDeadLetters


def newest_task(queue: QueueWithDeadLetters) -> dict:
    return queue.sqs.list_message_move_tasks(SourceArn=queue.dlq_arn)["Results"][0]


def test_redrive_to_a_destination_moves_parked_messages_as_new_ones(
    queue: QueueWithDeadLetters,
) -> None:
    for body in ("one", "two"):
        queue.sqs.send_message(
            QueueUrl=queue.dlq_url,
            MessageBody=body,
            MessageAttributes={"cause": {"DataType": "String", "StringValue": "refused"}},
        )

    handle = queue.sqs.start_message_move_task(SourceArn=queue.dlq_arn, DestinationArn=queue.arn)[
        "TaskHandle"
    ]

    assert handle
    task = newest_task(queue)
    assert task["Status"] == "COMPLETED"
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert queue.receive(queue.dlq_url, seconds=0) == []
    moved = queue.receive()
    assert sorted(message["Body"] for message in moved) == ["one", "two"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in moved} == {"1"}


def test_redrive_without_destination_sends_a_dead_letter_back_to_where_it_died(
    queue: QueueWithDeadLetters,
) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="poison")
    queue.sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=0)
    # At the second receive the message has reached maxReceiveCount, and SQS moves it.
    assert "Messages" not in queue.sqs.receive_message(QueueUrl=queue.url)

    queue.sqs.start_message_move_task(SourceArn=queue.dlq_arn)

    assert newest_task(queue)["Status"] == "COMPLETED"
    assert [message["Body"] for message in queue.receive()] == ["poison"]


def test_redrive_without_destination_fails_on_a_message_that_a_function_parked(
    queue: QueueWithDeadLetters,
) -> None:
    queue.sqs.send_message(QueueUrl=queue.dlq_url, MessageBody="parked")

    queue.sqs.start_message_move_task(SourceArn=queue.dlq_arn)

    task = newest_task(queue)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert [message["Body"] for message in queue.receive(queue.dlq_url)] == ["parked"]


def test_redrive_needs_a_dead_letter_queue_and_an_existing_destination(
    queue: QueueWithDeadLetters,
) -> None:
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        queue.sqs.start_message_move_task(SourceArn=queue.arn)
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*DestinationArn"):
        queue.sqs.start_message_move_task(
            SourceArn=queue.dlq_arn, DestinationArn=queue.arn + "-absent"
        )


def test_the_sources_of_a_dead_letter_queue_are_listed(queue: QueueWithDeadLetters) -> None:
    answer = queue.sqs.list_dead_letter_source_queues(QueueUrl=queue.dlq_url)
    assert answer["queueUrls"] == [queue.url]
