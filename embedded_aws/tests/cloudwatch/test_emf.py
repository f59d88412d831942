"""Metrics in log lines: what CloudWatch takes out of an EMF document."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.cloudwatch.emf import EmfError, Metric, metrics
from embedded_aws.core.emulator import scope
from embedded_aws.tests.account import Account, until

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _scope() -> Iterator[None]:
    with scope("000000000000", "us-east-1"):
        yield


def _document(*, at: float = 1_700_000_000, **members: Any) -> str:
    directives = [
        {
            "Namespace": "Proxy",
            "Dimensions": [["model"], ["model", "client"]],
            "Metrics": [{"Name": "Duration", "Unit": "Milliseconds"}],
        },
        {"Namespace": "Proxy", "Dimensions": [["endpoint"]], "Metrics": [{"Name": "Faults"}]},
    ]
    metadata = {"Timestamp": int(at * 1000), "CloudWatchMetrics": directives}
    given = {"model": "m", "client": "Demo", "endpoint": "e", "Duration": 2.5, "Faults": 0}
    return json.dumps({"_aws": metadata, **given, **members})


def test_every_dimension_set_of_every_directive_is_a_metric_of_its_own() -> None:
    at = 1_700_000_000
    assert list(metrics(_document())) == [
        Metric("Proxy", "Duration", {"model": "m"}, "Milliseconds", [2.5], at),
        Metric("Proxy", "Duration", {"model": "m", "client": "Demo"}, "Milliseconds", [2.5], at),
        Metric("Proxy", "Faults", {"endpoint": "e"}, "None", [0], at),
    ]


def test_an_array_is_as_many_values() -> None:
    assert next(metrics(_document(Duration=[1, 2, 2]))).values == [1, 2, 2]


@pytest.mark.parametrize("line", ["plain text", "{}", '{"level": "info"}', "", '["_aws"]'])
def test_other_lines_hold_no_metric(line: str) -> None:
    assert list(metrics(line)) == []


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"endpoint": None}, "the dimension endpoint must be a string, got None"),
        ({"Faults": "1"}, "the metric Faults must be up to 100 numbers"),
        ({"Faults": True}, "the metric Faults must be up to 100 numbers"),
        ({"Faults": [0] * 101}, "the metric Faults must be up to 100 numbers"),
        ({"_aws": {"CloudWatchMetrics": []}}, "missing required field `Timestamp`"),
    ],
)
def test_a_document_that_breaks_the_format_is_an_error(members: Json, fault: str) -> None:
    with pytest.raises(EmfError, match=fault):
        list(metrics(_document(**members)))


def test_what_is_put_into_a_log_reaches_cloudwatch(account: Account) -> None:
    logs, cloudwatch = account.aws.client("logs"), account.aws.client("cloudwatch")
    now, group = time.time(), account.name("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    lines = ["plain text", _document(at=now, endpoint=group), _document(endpoint=None)]
    events = [{"timestamp": int(now * 1000), "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    (found,) = cloudwatch.list_metrics(
        Namespace="Proxy", Dimensions=[{"Name": "endpoint", "Value": group}]
    )["Metrics"]
    assert found["MetricName"] == "Faults"
    statistics = cloudwatch.get_metric_statistics(
        **found,
        StartTime=now - 60,
        EndTime=now + 60,
        Period=60,
        Statistics=["Average", "SampleCount"],
    )
    (point,) = statistics["Datapoints"]
    assert (point["Average"], point["SampleCount"]) == (0, 1)


def test_an_alarm_on_logged_metrics_goes_off_and_off_again_in_accelerated_time(
    account: Account,
) -> None:
    logs, cloudwatch = account.aws.client("logs"), account.aws.client("cloudwatch")
    name = account.name("watched")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")

    def state() -> str:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def goes_off_after_five_minutes_of_faults() -> bool:
        now = time.time()
        lines = [(now - ago, _document(at=now - ago, endpoint=name, Faults=1)) for ago in range(5)]
        events = [{"timestamp": int(at * 1000), "message": line} for at, line in reversed(lines)]
        logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
        return state() == "ALARM"

    with account.circumstances(time_scale=60):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="Proxy",
            MetricName="Faults",
            Dimensions=[{"Name": "endpoint", "Value": name}],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=3,
            DatapointsToAlarm=2,
            Threshold=0.1,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        until(lambda: state() == "OK")
        until(goes_off_after_five_minutes_of_faults)
    with account.circumstances(time_scale=1000):  # the faults are long past soon
        until(lambda: state() == "OK")
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    told = [item["HistorySummary"] for item in history["AlarmHistoryItems"]]
    assert "Alarm updated from OK to ALARM" in told
    assert "Alarm updated from ALARM to OK" in told
