"""CloudWatch alarms: evaluated periodically, per dimension, and over several periods.

ministack evaluates an alarm only when metric data or the alarm itself is put, over the points of
all resources together (it ignores dimensions) and as one period, and refuses metric math in
templates. Here each alarm is evaluated every few seconds: its metric by namespace, name and
dimensions, or its expression (`metric_math.py`); one value per period; DatapointsToAlarm out of
EvaluationPeriods; TreatMissingData. Periods end now instead of on the minute, so an alarm goes off
within seconds where AWS takes a minute or more; `--alarm-minute` shortens the periods.

An alarm's first OK takes no action. On AWS it does, and reaches nobody: the address of a new stack
is not confirmed yet, which it is here at once.

Patches in `ministack.services.cloudwatch`: `_evaluate_alarm`; in
`ministack.services.cloudformation.provisioners`: `_cw_metric_alarm_record`. Uses `_alarms`,
`_metrics`, `_dims_key`, `_calc_stats`, `_stat_value`, `_record_history`, `_dispatch_alarm_actions`,
`_evaluate_parent_alarms`.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

import metric_math
import pinned
from settings import Settings

JSON = dict[str, Any]
# A metric's value in one period; None without data.
Value = float | None

INTERVAL_SECONDS = 2.0
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def install(settings: Settings) -> None:
    pinned.require(
        cloudwatch,
        *("_evaluate_alarm", "_alarms", "_metrics", "_dims_key", "_calc_stats", "_stat_value"),
        *("_record_history", "_dispatch_alarm_actions", "_evaluate_parent_alarms"),
    )
    pinned.require(provisioners, "_cw_metric_alarm_record")

    def evaluate_now(alarm: JSON) -> None:
        evaluate(alarm, settings.alarm_minute)

    cloudwatch._evaluate_alarm = evaluate_now
    accept_metric_math()
    threading.Thread(
        target=evaluate_for_ever, args=(evaluate_now,), name="alarms", daemon=True
    ).start()


def accept_metric_math() -> None:
    """Lets a template's alarm have `Metrics` instead of one metric."""
    record_of = provisioners._cw_metric_alarm_record

    def record_with_math(name: str, properties: JSON) -> JSON:
        queries = properties.get("Metrics")
        if not queries:
            return record_of(name, properties)
        metric_math.check(queries)
        # ministack's record needs one metric, which the alarm's queries replace.
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        record = record_of(name, plain | {"MetricName": "-", "Namespace": "-"})
        record |= {"MetricName": "", "Namespace": "", "Metrics": queries}
        return record

    provisioners._cw_metric_alarm_record = record_with_math


def evaluate_for_ever(evaluate_now: Callable[[JSON], None]) -> None:
    while True:
        time.sleep(INTERVAL_SECONDS)
        for _, alarm in list(cloudwatch._alarms.all_items()):
            _, _, _, region, account, *_ = alarm["AlarmArn"].split(":")
            with request_scope(account, region):
                evaluate_now(alarm)


def evaluate(alarm: JSON, minute: float) -> None:
    """Sets the state of `alarm` by its last periods, and takes its actions if the state is new.

    A minute of a period has `minute` seconds.
    """
    compare = COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if compare is None or not (alarm.get("MetricName") or alarm.get("Metrics")):
        return
    values = values_of(alarm, time.time(), minute)
    threshold = float(alarm.get("Threshold", 0))
    treatment = alarm.get("TreatMissingData") or "missing"
    if treatment in ("breaching", "notBreaching"):
        breaching = [
            treatment == "breaching" if value is None else compare(value, threshold)
            for value in values
        ]
    else:
        breaching = [compare(value, threshold) for value in values if value is not None]
    if not breaching:
        state = alarm["StateValue"] if treatment == "ignore" else "INSUFFICIENT_DATA"
    elif sum(breaching) >= int(alarm.get("DatapointsToAlarm") or len(values)):
        state = "ALARM"
    else:
        state = "OK"
    shown = ", ".join("no data" if value is None else f"{value:g}" for value in values)
    reason = f"Threshold Crossed: [{shown}] against {alarm['ComparisonOperator']} {threshold:g}"
    change_state(alarm, state, reason)


def change_state(alarm: JSON, state: str, reason: str) -> None:
    before = alarm["StateValue"]
    if state == before:
        return
    alarm |= {
        "StateValue": state,
        "StateReason": reason,
        "StateUpdatedTimestamp": int(time.time()),
    }
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    if (before, state) != ("INSUFFICIENT_DATA", "OK"):
        cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def values_of(alarm: JSON, now: float, minute: float) -> list[Value]:
    """The values of the alarm's evaluation periods, oldest first."""
    periods = int(alarm.get("EvaluationPeriods") or 1)
    queries = alarm.get("Metrics")
    if not queries:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        length = int(alarm.get("Period") or 60) / 60 * minute
        return series(alarm, statistic, length, periods, now)
    known: dict[str, list[Value]] = {}
    for query in queries:
        if "MetricStat" in query:
            metric = query["MetricStat"]
            length = int(metric.get("Period") or 60) / 60 * minute
            known[query["Id"]] = series(metric["Metric"], metric["Stat"], length, periods, now)
    returned = next(query for query in queries if metric_math.returns_data(query))
    if "MetricStat" in returned:
        return known[returned["Id"]]
    return [
        metric_math.value(returned["Expression"], {name: known[name][i] for name in known})
        for i in range(periods)
    ]


def series(metric: JSON, statistic: str, length: float, periods: int, now: float) -> list[Value]:
    """The statistic of `metric` in each of the last `periods` periods of `length` seconds."""
    dimensions = {entry["Name"]: entry["Value"] for entry in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    # Period by period, the newest first. Most points are older than all of them.
    points: list[list[JSON]] = [[] for _ in range(periods)]
    oldest = now - periods * length
    for point in list(cloudwatch._metrics.get(key) or []):
        if oldest < point["Timestamp"] <= now:
            age = int((now - point["Timestamp"]) / length)
            points[min(age, periods - 1)].append(point)
    values: list[Value] = []
    for inside in reversed(points):
        statistics = cloudwatch._calc_stats(inside)
        values.append(cloudwatch._stat_value(statistics, statistic, inside) if statistics else None)
    return values
