"""Metric alarms, judged as the tables and the wording of CloudWatch's guide have it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from embedded_aws.cloudwatch import alarms, states
from embedded_aws.core import circumstances
from embedded_aws.core.emulator import scope
from embedded_aws.tests.account import Account

Json = dict[str, Any]
_NOW = 1_700_000_005.0
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.fixture(autouse=True)
def _scope(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(circumstances, "FILE", tmp_path / "circumstances.json")
    monkeypatch.setattr("embedded_aws.cloudwatch.alarms.time.time", lambda: _NOW)
    with scope("000000000000", "us-east-1"):
        yield
        cloudwatch.reset()


def _alarm(**more: Any) -> Json:
    return {
        "AlarmName": "a",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a",
        "Namespace": "Proxy",
        "MetricName": "Faults",
        "Dimensions": [{"Name": "endpoint", "Value": "e"}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "StateValue": "INSUFFICIENT_DATA",
        **more,
    }


# "0" is within the threshold, "X" beyond it, "-" missing; the newest stands last.
@pytest.mark.parametrize(
    ("points", "needed", "by_treatment"),
    [
        ("0-X-X", 3, ("OK", "OK", "OK", "OK")),
        ("0----", 3, ("OK", "OK", "OK", "OK")),
        ("-----", 3, ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        ("0XX-X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("----X", 3, ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
        ("X----", 3, ("ALARM", None, "ALARM", "OK")),
        ("0-X-X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("00X0X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0-X--", 2, ("OK", "OK", "ALARM", "OK")),
        ("----0", 2, ("OK", "OK", "ALARM", "OK")),
        ("----X", 2, ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
    ],
)
def test_an_alarm_is_in_the_state_of_cloudwatchs_tables(
    points: str, needed: int, by_treatment: tuple[str | None, ...]
) -> None:
    values = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points]
    found = [
        states.state(_alarm(DatapointsToAlarm=needed, TreatMissingData=treatment), values)
        for treatment in _TREATMENTS
    ]
    assert tuple(found) == by_treatment


def _put(values: Sequence[float], minutes_ago: float, **dimensions: str) -> None:
    at = _NOW - 60 * minutes_ago
    metric = ("Proxy", "Faults", dimensions or {"endpoint": "e"}, at, "Count")
    cloudwatch._store_datum(*metric, None, values, None, None)


def _judged(**more: Any) -> Json:
    alarm = _alarm(**more)
    alarms.evaluate(alarm)
    return alarm


def test_only_complete_periods_count() -> None:
    _put([1], 0)
    _put([1], 1)
    assert _judged()["StateValue"] == "OK"
    _put([1], 2)
    assert _judged()["StateValue"] == "ALARM"


def test_a_metric_of_other_dimensions_is_another_metric() -> None:
    for minutes_ago in (1, 2, 3):
        _put([1], minutes_ago, endpoint="other")
        _put([1], minutes_ago, endpoint="e", client="Demo")
    assert _judged()["StateValue"] == "OK"


def test_each_period_has_its_own_statistic() -> None:
    for minutes_ago in (1, 2, 3):
        _put([0] * 9 + [1], minutes_ago)
    assert _judged(Threshold=0.05)["StateValue"] == "ALARM"
    assert _judged(Threshold=0.15)["StateValue"] == "OK"
    assert _judged(Statistic="Sum", Threshold=0.9)["StateValue"] == "ALARM"
    slow = {"ExtendedStatistic": "p90"}
    assert _judged(**slow, Threshold=0.05)["StateValue"] == "ALARM"
    assert _judged(**slow, Threshold=0.15)["StateValue"] == "OK"


def test_a_unit_that_the_alarm_names_chooses_the_values() -> None:
    for minutes_ago in (1, 2, 3):
        _put([1], minutes_ago)
    assert _judged(Unit="Count")["StateValue"] == "ALARM"
    assert _judged(Unit="Seconds")["StateValue"] == "OK"


def test_periods_pass_as_fast_as_the_circumstances_say() -> None:
    _put([1], 1 / 60)
    _put([1], 2 / 60)
    assert _judged()["StateValue"] == "OK"
    circumstances.FILE.write_text(json.dumps({"time_scale": 60}))
    assert _judged()["StateValue"] == "ALARM"


def test_a_change_of_state_says_why_and_is_remembered() -> None:
    for minutes_ago in (1, 2, 3):
        _put([1], minutes_ago)
    alarm = _judged()
    assert alarm["StateReason"] == (
        "Threshold Crossed: 3 out of the last 3 datapoints [1.0, 1.0, 1.0] were greater than the "
        "threshold (0.5) (minimum 2 datapoints for INSUFFICIENT_DATA -> ALARM transition)."
    )
    (entry,) = cloudwatch._history_entries()
    assert entry["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    alarms.evaluate(alarm)
    assert len(cloudwatch._history_entries()) == 1


def test_an_alarm_that_cannot_be_judged_is_refused(account: Account) -> None:
    client = account.aws.client("cloudwatch")
    query = {"Id": "m", "Expression": "1", "Label": "l", "ReturnData": True}
    with pytest.raises(client.exceptions.ClientError, match="has no Metrics in an alarm"):
        client.put_metric_alarm(
            AlarmName="maths",
            Metrics=[query],
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )


def test_alarms_are_saved_and_metrics_are_not(own_account: Account) -> None:
    client = own_account.aws.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="kept",
        Namespace="Proxy",
        MetricName="Faults",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    client.put_metric_data(Namespace="Proxy", MetricData=[{"MetricName": "Faults", "Value": 1}])
    assert client.list_metrics(Namespace="Proxy")["Metrics"]
    own_account.aws.stop()
    own_account.boot()
    assert [a["AlarmName"] for a in client.describe_alarms()["MetricAlarms"]] == ["kept"]
    assert client.list_metrics(Namespace="Proxy")["Metrics"] == []


_REFUSED_SHARE: list[Json] = [
    {"Id": "share", "Expression": "faults / asked"},
    *(
        {
            "Id": name.lower(),
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "Proxy",
                    "MetricName": name,
                    "Dimensions": [{"Name": "endpoint", "Value": "e"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for name in ("Faults", "Asked")
    ),
]


@pytest.mark.parametrize(("asked", "state"), [(1, "ALARM"), (4, "OK")])
def test_an_alarm_on_an_expression_is_judged_by_its_metrics(asked: int, state: str) -> None:
    alarm = _alarm(Metrics=_REFUSED_SHARE)
    for minute in (1, 2, 3):
        _put([1], minute)
        at = _NOW - 60 * minute
        metric = ("Proxy", "Asked", {"endpoint": "e"}, at, "Count")
        cloudwatch._store_datum(*metric, None, [asked], None, None)
    alarms.evaluate(alarm)
    assert alarm["StateValue"] == state


def test_a_template_s_alarm_may_have_an_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioners, "_cw_metric_alarm_record", lambda _name, given: dict(given))
    alarms._judge_expressions_of_templates()
    record = provisioners._cw_metric_alarm_record
    assert record("a", {"Metrics": _REFUSED_SHARE})["Period"] == 60
    unknown = [{"Id": "x", "Expression": "SEARCH('a', 'Sum')"}]
    with pytest.raises(ValueError, match="has no 'a' in an expression"):
        record("a", {"Metrics": unknown})
