"""The states of endpoints: what may not change in which, and how a failed update ends."""

from typing import Any

import pytest

from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.core.rpc import ServiceError
from embedded_aws.tests.sagemaker.hosting.conftest import TRACKING, FakeContainer, Hosting

_IN_PROGRESS = 'Cannot update in-progress endpoint "arn:aws:sagemaker:.*:endpoint/e"'
_TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/E/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def _capacity(hosting: Hosting, count: int) -> None:
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    hosting.call(
        "UpdateEndpointWeightsAndCapacities", EndpointName="E", DesiredWeightsAndCapacities=wanted
    )


def _check_that_nothing_may_change(hosting: Hosting) -> None:
    with pytest.raises(ServiceError, match=_IN_PROGRESS):
        hosting.update("C")
    with pytest.raises(ServiceError, match=_IN_PROGRESS):
        _capacity(hosting, 2)
    with pytest.raises(ServiceError, match=_IN_PROGRESS):
        hosting.call("DeleteEndpoint", EndpointName="E")


def test_nothing_may_change_while_an_endpoint_is_created_or_updated(hosting: Hosting) -> None:
    FakeContainer.ready.clear()
    hosting.call("CreateEndpoint", EndpointName="E", EndpointConfigName="C")
    _check_that_nothing_may_change(hosting)
    FakeContainer.ready.set()
    hosting.settled()
    FakeContainer.ready.clear()
    hosting.update(hosting.config("Next"))
    assert hosting.described()["EndpointStatus"] == "Updating"
    _check_that_nothing_may_change(hosting)


def test_nothing_may_change_while_sagemaker_maintains_the_endpoint(hosting: Hosting) -> None:
    hosting.create()
    hosting.set(maintenance=True)
    assert hosting.described()["EndpointStatus"] == "SystemUpdating"
    _check_that_nothing_may_change(hosting)
    hosting.set()
    hosting.call("DeleteEndpoint", EndpointName="E")


@pytest.mark.parametrize(("reasons", "reason"), [("true", "it is broken"), ("false", None)])
def test_a_failed_update_ends_in_the_old_configuration(
    hosting: Hosting, reasons: str, reason: str | None
) -> None:
    hosting.set(failure_reasons=reasons == "true")
    hosting.create()
    hosting.update(hosting.config("Bad", model="Broken"))
    settled = hosting.settled()
    assert (settled["EndpointStatus"], settled["EndpointConfigName"]) == ("InService", "C")
    assert settled.get("FailureReason") == reason


def test_a_failure_without_a_reason_has_not_the_one_before(hosting: Hosting) -> None:
    hosting.create()
    for reasons in (True, False):
        hosting.set(failure_reasons=reasons)
        hosting.update(hosting.config(f"Bad{reasons}", model="Broken"))
        assert ("FailureReason" in hosting.settled()) is reasons


def test_an_update_without_capacity_ends_in_the_old_configuration(hosting: Hosting) -> None:
    hosting.create()
    hosting.set(no_capacity=["ml.g6.2xlarge"])
    hosting.update(hosting.config("Next", InstanceType="ml.g6.2xlarge"))
    settled = hosting.settled()
    assert settled["EndpointConfigName"] == "C"
    assert "InsufficientInstanceCapacity" in settled["FailureReason"]


def test_the_configuration_in_use_is_refused_where_reports_say_so(hosting: Hosting) -> None:
    hosting.create()
    hosting.update("C")
    hosting.settled()
    hosting.set(in_use_configuration="refused")
    with pytest.raises(ServiceError, match="currently in use endpoint configuration"):
        hosting.update("C")


def test_a_scaled_count_is_retained_and_reset_otherwise(hosting: Hosting) -> None:
    hosting.create()
    _capacity(hosting, 3)
    assert hosting.described()["ProductionVariants"][0]["DesiredInstanceCount"] == 3
    hosting.settled()
    hosting.update(hosting.config("Two", InitialInstanceCount=2), RetainAllVariantProperties=True)
    assert hosting.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    hosting.update("C")
    assert hosting.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_more_instances_need_quota_and_capacity(hosting: Hosting) -> None:
    hosting.set(account="new")
    hosting.grant(2)
    hosting.create()
    with pytest.raises(ServiceError, match="request delta of 2 Instances"):
        _capacity(hosting, 3)
    hosting.set(no_capacity=["ml.g5.2xlarge"])
    _capacity(hosting, 2)
    settled = hosting.settled()
    variant = settled["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)
    assert settled["EndpointStatus"] == "InService"


def _scale(operation: str, **more: Any) -> Any:
    return autoscaling.service.call(operation, {**_TARGET, **more})


def test_a_registered_variant_keeps_its_instance_type(hosting: Hosting) -> None:
    hosting.create()
    _scale("RegisterScalableTarget", MinCapacity=1, MaxCapacity=2)
    hosting.config("Other", InstanceType="ml.g6.2xlarge")
    with pytest.raises(ServiceError, match="registered as a scalable target"):
        hosting.update("Other")
    hosting.call("CreateModel", ModelName="Better", PrimaryContainer={})
    hosting.update(hosting.config("Next", model="Better"))
    assert hosting.settled()["EndpointConfigName"] == "Next"
    _capacity(hosting, 2)
    hosting.settled()
    _scale("DeregisterScalableTarget")
    hosting.update("Other", RetainAllVariantProperties=True)
    settled = hosting.settled()
    assert settled["EndpointConfigName"] == "Other"
    assert settled["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_policies_go_with_their_target_and_targets_with_their_endpoint(hosting: Hosting) -> None:
    hosting.create()
    for delete in (
        lambda: _scale("DeregisterScalableTarget"),
        lambda: hosting.call("DeleteEndpoint", EndpointName="E"),
    ):
        _scale("RegisterScalableTarget", MinCapacity=1, MaxCapacity=2)
        _scale("PutScalingPolicy", **TRACKING, PolicyName="P")
        delete()
        asked = {"ServiceNamespace": "sagemaker"}
        for kind in ("ScalableTargets", "ScalingPolicies"):
            assert autoscaling.service.call(f"Describe{kind}", asked)[kind] == []
