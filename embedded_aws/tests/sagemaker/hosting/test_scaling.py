"""Scaling: an endpoint's instances follow the requests that it works on, and activities say so."""

from contextlib import ExitStack
from typing import Any

import pytest

from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.autoscaling import tracking
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.hosting import traffic
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
        "policy P, with 8 requests an instance as its target: 17 were in flight"
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
