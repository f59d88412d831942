"""Scaling of a base component's copies, by the requests of its own and of its adapters."""

from contextlib import ExitStack
from typing import Any

import pytest

from embedded_aws.autoscaling import resources, tracking
from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import ServiceError
from embedded_aws.sagemaker.components import routing
from embedded_aws.sagemaker.hosting import traffic
from embedded_aws.tests.sagemaker.hosting.conftest import TRACKING
from embedded_aws.tests.sagemaker.hosting.test_components import (
    ADAPTER,
    BASE,
    COMPONENT_HEADER,
    Components,
    components,
)

__all__ = ["components"]

_TARGET: Json = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/Base",
    "ScalableDimension": resources.Copies.dimension,
}
_CONFIGURATION = TRACKING["TargetTrackingScalingPolicyConfiguration"]
_METRIC = {"PredefinedMetricType": resources.Copies.metric}
_POLICY: Json = {
    **TRACKING,
    "TargetTrackingScalingPolicyConfiguration": {
        **_CONFIGURATION,
        "PredefinedMetricSpecification": _METRIC,
    },
}


def _call(operation: str, **more: Any) -> Json:
    return autoscaling.service.call(operation, {**_TARGET, **more})


@pytest.fixture
def scaled(components: Components) -> Components:
    """A base of two copies with an adapter, which may have one to four."""
    components.create("Base", BASE, RuntimeConfig={"CopyCount": 2})
    components.create("Support", ADAPTER)
    _call("RegisterScalableTarget", MinCapacity=1, MaxCapacity=4)
    _call("PutScalingPolicy", PolicyName="P", **_POLICY)
    return components


def _after(scaled: Components, seconds: int) -> int:
    for _ in range(0, seconds, tracking.SAMPLE_SECONDS):
        tracking.follow_all()
        scaled.settled("Base")
    return int(scaled.settled("Base")["RuntimeConfig"]["CurrentCopyCount"])


def test_copies_follow_the_requests_of_the_base_and_its_adapters(scaled: Components) -> None:
    with ExitStack() as requests:
        for model in ("Base", "Support") * 10:
            served = routing.aim("E", {COMPONENT_HEADER: model}).served
            requests.enter_context(traffic.request(served))
        assert _after(scaled, 20) == 2
        assert _after(scaled, 10) == 3
    assert _after(scaled, 900) == 1
    _after(scaled, 10)
    inwards, out = _call("DescribeScalingActivities")["ScalingActivities"]
    assert (out["Description"], out["StatusCode"]) == (
        "Setting desired copy count to 3.",
        "Successful",
    )
    assert out["Cause"].endswith("requests on the busiest copy as its target: it had 10")
    assert inwards["StatusMessage"].startswith("Successfully set desired copy count to 1. Change")


def test_a_minimum_that_cannot_be_placed_is_an_activity_that_failed(scaled: Components) -> None:
    _call("RegisterScalableTarget", MinCapacity=5, MaxCapacity=5)
    assert _after(scaled, 20) == 2
    activity, *_ = reversed(_call("DescribeScalingActivities")["ScalingActivities"])
    assert activity["StatusCode"] == "Failed"
    assert "5 copies need as many instances, got at most 4" in activity["StatusMessage"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ResourceId": "inference-component/Support"}, "Support is an adapter, which has the"),
        ({"ResourceId": "inference-component/Other"}, "no such resource"),
        ({"ResourceId": "endpoint/E/variant/AllTraffic"}, "no such resource"),
        (
            {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"},
            r"scales .* only",
        ),
    ],
)
def test_other_targets_are_refused(scaled: Components, change: Json, words: str) -> None:
    assert scaled
    with pytest.raises(ServiceError, match=words):
        _call("RegisterScalableTarget", MinCapacity=1, MaxCapacity=2, **change)


def test_a_policy_follows_the_metric_of_its_target(scaled: Components) -> None:
    assert scaled
    with pytest.raises(ServiceError, match=r"tracks SageMakerInferenceComponentConcurrent.* only"):
        _call("PutScalingPolicy", PolicyName="Q", **TRACKING)


def test_targets_go_with_their_component(scaled: Components) -> None:
    scaled.delete("Support")
    scaled.delete("Base")
    named = {"ServiceNamespace": "sagemaker"}
    assert autoscaling.service.call("DescribeScalableTargets", named) == {"ScalableTargets": []}
