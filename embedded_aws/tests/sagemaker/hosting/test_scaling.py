"""Scaling: an endpoint's instances follow the requests that it works on, and activities say so."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ministack.services import cloudwatch

from embedded_aws.autoscaling import schedules, tracking
from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.core import circumstances
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.cloudformation import resource_types
from embedded_aws.sagemaker.hosting import fleets, traffic
from embedded_aws.tests.sagemaker.hosting.conftest import TRACKING, Hosting

Json = dict[str, Any]
_TARGET: Json = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/E/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
_MINUTE, _QUARTER_HOUR = 60, 900


class Scaled:
    """The endpoint `E`, which is scaled from 1 to 4 instances for 8 requests each."""

    def __init__(self, hosting: Hosting) -> None:
        self._hosting = hosting
        self._requests = ExitStack()
        hosting.create()
        self.bound(1, 4)
        self.call("PutScalingPolicy", **TRACKING, PolicyName="P")

    def call(self, operation: str, **more: Any) -> Json:
        return autoscaling.service.call(operation, {**_TARGET, **more})

    def bound(self, least: int, most: int, **more: Any) -> None:
        self.call("RegisterScalableTarget", MinCapacity=least, MaxCapacity=most, **more)

    def minimum(self) -> int:
        request = {"ServiceNamespace": "sagemaker"}
        (target,) = autoscaling.service.call("DescribeScalableTargets", request)["ScalableTargets"]
        return int(target["MinCapacity"])

    def under(self, requests: int) -> None:
        """Let the endpoint work on so many requests from now on."""
        self._requests.close()
        for _ in range(requests):
            self._requests.enter_context(traffic.request("E"))

    def after(self, seconds: int) -> int:
        """The number of instances after so many seconds of AWS's."""
        for _ in range(0, seconds, tracking.SAMPLE_SECONDS):
            tracking.follow_all()
            self._hosting.settled()
        (variant,) = self._hosting.described()["ProductionVariants"]
        return int(variant["CurrentInstanceCount"])

    def activities(self) -> list[Json]:
        """The activities, the first one first."""
        answer = self.call("DescribeScalingActivities")
        return list(reversed(answer["ScalingActivities"]))


@pytest.fixture
def scaled(hosting: Hosting) -> Scaled:
    return Scaled(hosting)


def test_more_requests_than_the_target_scale_out_after_half_a_minute(scaled: Scaled) -> None:
    scaled.under(17)
    assert scaled.after(20) == 1
    assert scaled.after(10) == 3
    scaled.after(10)
    (activity,) = scaled.activities()
    assert activity["Description"] == "Setting desired instance count to 3."
    assert activity["Cause"] == (
        "policy P, with 8 requests on the busiest instance as its target: it had 17"
    )
    assert activity["StatusCode"] == "Successful"
    assert activity["EndTime"] >= activity["StartTime"]


def test_a_peak_that_passes_scales_nothing(scaled: Scaled) -> None:
    scaled.under(17)
    scaled.after(20)
    scaled.under(8)
    assert scaled.after(_MINUTE) == 1
    assert scaled.activities() == []


def test_instances_stay_within_the_bounds(scaled: Scaled) -> None:
    scaled.under(100)
    assert scaled.after(_QUARTER_HOUR) == 4
    scaled.under(0)
    assert scaled.after(2 * _QUARTER_HOUR) == 1


def test_scaling_in_takes_a_quarter_of_an_hour_below_the_target_and_then_its_cooldown(
    scaled: Scaled,
) -> None:
    scaled.under(32)
    assert scaled.after(_MINUTE) == 4
    scaled.under(9)
    assert scaled.after(_QUARTER_HOUR - 10) == 4
    assert scaled.after(10) == 2
    scaled.under(0)
    assert scaled.after(5 * _MINUTE - 10) == 2
    assert scaled.after(10) == 1


def test_scaling_out_waits_for_its_cooldown(scaled: Scaled) -> None:
    scaled.under(9)
    assert scaled.after(30) == 2
    scaled.under(32)
    assert scaled.after(_MINUTE - 10) == 2
    assert scaled.after(10) == 4


def test_scaling_in_blocks_no_scaling_out(scaled: Scaled) -> None:
    scaled.under(32)
    scaled.after(_MINUTE)
    scaled.under(0)
    assert scaled.after(_QUARTER_HOUR) == 1
    scaled.under(32)
    assert scaled.after(30) == 4


def test_a_raised_minimum_and_a_lowered_maximum_hold_at_once(scaled: Scaled) -> None:
    scaled.bound(3, 4)
    assert scaled.after(10) == 3
    scaled.bound(1, 2)
    assert scaled.after(10) == 2
    assert [each["Cause"] for each in scaled.activities()] == [
        "minimum capacity was set to 3",
        "maximum capacity was set to 2",
    ]


def test_what_is_suspended_does_not_happen(scaled: Scaled) -> None:
    scaled.bound(1, 4, SuspendedState={"DynamicScalingOutSuspended": True})
    scaled.under(32)
    assert scaled.after(_MINUTE) == 1


def test_instances_that_start_serve_one_after_the_other(hosting: Hosting) -> None:
    hosting.set(instance_start_seconds=[300, 480])
    record: Json = {fleets.FLEETS: [{"InstanceType": "ml.g5.2xlarge", "Count": 1, "Desired": 4}]}
    passed, served = 0.0, []
    for seconds in fleets.resize(record):
        passed += seconds
        assert 300 <= passed <= 480
        served.append(record[fleets.FLEETS][0]["Count"])
    assert served == [1, 2, 3]
    assert record[fleets.FLEETS][0]["Count"] == 4


def test_an_expression_of_metrics_is_tracked_by_the_minute(
    scaled: Scaled, hosting: Hosting
) -> None:
    hosting.set(time_scale=1)
    work = {"Namespace": "InvokeProxy", "MetricName": "Work", "Dimensions": []}
    query = {"Id": "work", "MetricStat": {"Metric": work, "Stat": "Sum"}, "ReturnData": False}
    half = {"Id": "half", "Expression": "work / 2", "ReturnData": True}
    scaled.call(
        "PutScalingPolicy",
        PolicyName="Work",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50,
            "CustomizedMetricSpecification": {"Metrics": [query, half]},
        },
    )
    for ago in range(4):  # in this minute too, which may be over when the policy looks
        at = time.time() - ago * _MINUTE
        cloudwatch._store_datum("InvokeProxy", "Work", {}, at, "None", None, [300], None, None)
    assert scaled.after(10) == 3
    cause = scaled.activities()[0]["Cause"]
    assert cause == "policy Work, with 50 of its expression as its target: it had 150"
    cloudwatch.reset()


def test_an_expression_that_is_not_emulated_is_refused(scaled: Scaled) -> None:
    queries = [{"Id": "x", "Expression": "RATE(1)", "ReturnData": True}]
    with pytest.raises(ServiceError, match="has no RATE of 1 in an expression"):
        scaled.call(
            "PutScalingPolicy",
            PolicyName="Q",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 8,
                "CustomizedMetricSpecification": {"Metrics": queries},
            },
        )


def test_an_endpoint_that_changes_is_not_scaled(scaled: Scaled, hosting: Hosting) -> None:
    hosting.set(maintenance=True)
    scaled.under(32)
    assert scaled.after(_MINUTE) == 1
    hosting.set()
    assert scaled.after(10) == 4


@pytest.mark.parametrize(
    ("circumstances", "reason"),
    [
        ({"account": "new"}, "request delta of 3 Instances"),
        ({"no_capacity": ["ml.g5.2xlarge"]}, "InsufficientInstanceCapacity"),
    ],
)
def test_an_activity_that_fails_says_why(
    scaled: Scaled, hosting: Hosting, circumstances: Json, reason: str
) -> None:
    hosting.set(**circumstances)
    scaled.under(32)
    assert scaled.after(40) == 1
    (activity,) = scaled.activities()
    assert activity["StatusCode"] == "Failed"
    assert reason in activity["StatusMessage"]


def test_an_update_keeps_the_scaled_count(scaled: Scaled, hosting: Hosting) -> None:
    scaled.under(24)
    assert scaled.after(_MINUTE) == 3
    hosting.update(hosting.config("Next"), RetainAllVariantProperties=True)
    hosting.settled()
    assert scaled.after(10) == 3


def test_another_metric_is_refused(scaled: Scaled) -> None:
    other = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    tracked = {"TargetValue": 8, "PredefinedMetricSpecification": other}
    with pytest.raises(ServiceError, match="only, got SageMakerVariantInvocationsPerInstance"):
        scaled.call(
            "PutScalingPolicy",
            PolicyName="Q",
            TargetTrackingScalingPolicyConfiguration=tracked,
        )


_MORNING: Json = {
    "ScheduledActionName": "Morning",
    "Schedule": "cron(30 7 * * ? *)",
    "Timezone": "Europe/Zurich",
    "ScalableTargetAction": {"MinCapacity": 3},
}


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 27, hour, minute, tzinfo=UTC)


def test_scheduled_minimum_starts_instances_at_its_local_time(
    scaled: Scaled, hosting: Hosting
) -> None:
    hosting.set(time_scale=1, clock="2026-11-27T12:00:00Z")  # this machine's may come to 7:30
    scaled.call("PutScheduledAction", **_MORNING)
    schedules.run_between(_at(6, 20), _at(6, 29))
    assert scaled.after(20) == 1
    schedules.run_between(_at(6, 29), _at(6, 30))  # 7:30 in Zurich
    assert scaled.after(20) == 3
    scaled.bound(1, 4)  # as an update of the stack does
    schedules.run_between(_at(6, 30), _at(6, 31))
    assert scaled.minimum() == 1


def test_scheduled_actions_are_due_by_the_clock_of_the_circumstances(
    scaled: Scaled, hosting: Hosting
) -> None:
    tracking.follow_all()
    scaled.call("PutScheduledAction", **_MORNING)
    hosting.set(clock="2099-11-27T06:31:00Z")  # after today's 7:30 in Zurich, and all that were due
    assert circumstances.now() >= _at(6, 31).replace(year=2099)
    assert scaled.after(20) == 3


def test_of_actions_that_were_due_together_the_last_one_counts(scaled: Scaled) -> None:
    scaled.call("PutScheduledAction", **_MORNING)
    night = {**_MORNING, "ScheduledActionName": "Later", "Schedule": "cron(0 8 * * ? *)"}
    scaled.call("PutScheduledAction", **{**night, "ScalableTargetAction": {"MinCapacity": 2}})
    schedules.run_between(_at(6, 0), _at(9, 0))
    assert scaled.minimum() == 2


@pytest.mark.parametrize(
    ("bounds", "minimum"),
    [
        ({"StartTime": "2026-11-27T06:30:00Z"}, 3),
        ({"StartTime": "2026-11-27T06:30:01"}, 1),
        ({"EndTime": _at(6, 30).timestamp()}, 3),
        ({"EndTime": _at(6, 29).timestamp()}, 1),
        ({"StartTime": "2026-11-26T00:00:00+01:00", "EndTime": "2026-11-28T00:00:00+01:00"}, 3),
    ],
)
def test_scheduled_action_is_due_from_its_start_to_its_end(
    scaled: Scaled, bounds: Json, minimum: int
) -> None:
    scaled.call("PutScheduledAction", **_MORNING, **bounds)
    (found,) = scaled.call("DescribeScheduledActions")["ScheduledActions"]
    assert all(isinstance(found[name], float) for name in bounds)
    schedules.run_between(_at(6, 20), _at(6, 40))
    assert scaled.minimum() == minimum
    scaled.call("PutScheduledAction", **_MORNING)  # which deletes them
    schedules.run_between(_at(6, 20), _at(6, 40))
    assert scaled.minimum() == 3


def test_an_action_that_has_ended_since_was_due_before(scaled: Scaled) -> None:
    scaled.call("PutScheduledAction", **_MORNING, EndTime="2026-11-27T12:00:00Z")
    schedules.run_between(_at(6, 0), _at(6, 0) + timedelta(days=2))
    assert scaled.minimum() == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Schedule": "rate(1 day)"}, "schedules like .* only, got rate"),
        ({"Schedule": "cron(60 7 * * ? *)"}, "schedules like"),
        ({"Timezone": "Europe/Atlantis"}, "invalid timezone: Europe/Atlantis"),
        (
            {"StartTime": "2026-11-27T06:30:00Z", "EndTime": "2026-11-27T06:30:00Z"},
            "EndTime must be after StartTime",
        ),
        ({"EndTime": "tomorrow"}, "EndTime"),
        ({"ScalableTargetAction": {}}, "must have a MinCapacity or a MaxCapacity"),
    ],
)
def test_schedule_that_is_not_run_is_refused(scaled: Scaled, changes: Json, words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        scaled.call("PutScheduledAction", **{**_MORNING, **changes})


def test_scheduled_actions_go_with_their_target(scaled: Scaled) -> None:
    scaled.call("PutScheduledAction", **_MORNING)
    (found,) = scaled.call("DescribeScheduledActions")["ScheduledActions"]
    assert _MORNING.items() <= found.items()
    scaled.call("DeregisterScalableTarget")
    assert scaled.call("DescribeScheduledActions") == {"ScheduledActions": []}


def test_a_stack_s_update_changes_adds_and_deletes_scheduled_actions(scaled: Scaled) -> None:
    target = {**_TARGET, "MinCapacity": 1, "MaxCapacity": 4}
    evening = {**_MORNING, "ScheduledActionName": "Evening"}
    resource_types._put_target("Target", {**target, "ScheduledActions": [_MORNING, evening]})
    later = {**_MORNING, "Schedule": "cron(0 9 * * ? *)"}
    resource_types._put_target("Target", {**target, "ScheduledActions": [later]})
    (found,) = scaled.call("DescribeScheduledActions")["ScheduledActions"]
    assert (found["ScheduledActionName"], found["Schedule"]) == ("Morning", "cron(0 9 * * ? *)")
