"""The template's dashboard, deployed beside the queues that it shows."""

import datetime
import json
import re
from typing import Any

import pytest

from emulator_process import LOCAL, Emulator, eventually
from template_part import template_part

STAGES = ("fetch", "parquet", "glue", "completion")
QUEUES = [f"{stage.title()}{kind}" for stage in STAGES for kind in ("Queue", "Dlq")]


def deploy(emulator: Emulator, name: str, dashboard: str) -> None:
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template_part(*QUEUES, "GlueNotifierLogs", "ChainDashboard")),
        Parameters=[
            {"ParameterKey": "AlertEmail", "ParameterValue": "nobody@example.com"},
            {"ParameterKey": "Dashboard", "ParameterValue": dashboard},
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


@pytest.fixture
def widgets(emulator: Emulator, name: str) -> list[dict[str, Any]]:
    deploy(emulator, name, "true")
    body = emulator.client("cloudwatch").get_dashboard(DashboardName=f"{name}-chain")
    return json.loads(body["DashboardBody"])["widgets"]


def metrics(widget: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(metric, dimension, value) of those that SQS reports."""
    rows = widget["properties"].get("metrics", [])
    return [tuple(row[1:4]) for row in rows if row[0] == "AWS/SQS"]


def test_every_metric_of_a_queue_is_reported(
    emulator: Emulator, name: str, widgets: list[dict[str, Any]]
) -> None:
    """Of a queue of this stack, under this name. What only a queue with a function reports is left
    out: nothing reads these.
    """
    shown = {metric for widget in widgets for metric in metrics(widget)}
    # Up to 50 are free.
    assert len(shown) == 17
    shown.remove(("NumberOfMessagesReceived", "QueueName", f"{name}-parquet-queue"))
    cloudwatch = emulator.client("cloudwatch")

    def values(metric: str, dimension: str, value: str) -> list[dict[str, Any]]:
        now = datetime.datetime.now(datetime.UTC)
        return cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=metric,
            Dimensions=[{"Name": dimension, "Value": value}],
            StartTime=now - datetime.timedelta(minutes=5),
            EndTime=now + datetime.timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]

    for metric in sorted(shown):
        eventually(lambda metric=metric: values(*metric), f"{metric} has a value")


def test_the_chain_is_shown_from_left_to_right(name: str, widgets: list[dict[str, Any]]) -> None:
    """A column for each stage, and in each what waits, the oldest of it, and what is parked."""
    for column, stage in enumerate(STAGES):
        stacked = sorted(
            (widget for widget in widgets if widget["x"] == 6 * column and widget["y"] < 16),
            key=lambda widget: widget["y"],
        )
        queue, dlq = f"{name}-{stage}-queue", f"{name}-{stage}-dlq"
        assert [metrics(widget) for widget in stacked] == [
            [
                ("ApproximateNumberOfMessagesVisible", "QueueName", queue),
                ("ApproximateNumberOfMessagesNotVisible", "QueueName", queue),
            ],
            [("ApproximateAgeOfOldestMessage", "QueueName", queue)],
            [("ApproximateNumberOfMessagesVisible", "QueueName", dlq)],
        ]
        assert all(widget["properties"]["title"].startswith(stage) for widget in stacked)


def test_widgets_fill_the_width_and_do_not_overlap(widgets: list[dict[str, Any]]) -> None:
    squares = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    height = max(y for _, y in squares) + 1
    assert sorted(squares) == [(x, y) for x in range(24) for y in range(height)]


def test_runs_are_what_glue_notifier_logs(name: str, widgets: list[dict[str, Any]]) -> None:
    """The widget's query names the function's log group, its line, and fields of that line."""
    (query,) = (widget["properties"]["query"] for widget in widgets if widget["type"] == "log")
    source, filter_, fields, *_ = query.split(" | ")
    assert source == f"SOURCE '/aws/lambda/{name}-glue-notifier'"
    line = filter_.removeprefix("filter message = ").strip("'")
    code = (LOCAL.parents[1] / "services" / "glue-notifier" / "src" / "lib.rs").read_text()
    (arguments,) = re.findall(rf'info!\(([^;]*?)"{line}"\s*\)', code)
    logged = set(re.findall(r"\w+", arguments))
    assert set(fields.removeprefix("fields @timestamp, ").split(", ")) <= logged


def test_the_age_of_the_newest_portfolio_counts_what_parquet_queue_receives(
    name: str, widgets: list[dict[str, Any]]
) -> None:
    (widget,) = (widget for widget in widgets if "portfolio" in widget["properties"]["title"])
    assert metrics(widget) == [("NumberOfMessagesReceived", "QueueName", f"{name}-parquet-queue")]
    (age,), (*_, landed) = widget["properties"]["metrics"]
    assert set(re.findall(r"[a-z]+", age["expression"])) == {landed["id"]}


def test_there_is_no_dashboard_unless_somebody_wants_it(emulator: Emulator, name: str) -> None:
    deploy(emulator, name, "false")
    shown = emulator.client("cloudwatch").list_dashboards(DashboardNamePrefix=name)
    assert shown["DashboardEntries"] == []
