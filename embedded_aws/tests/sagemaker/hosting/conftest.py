"""Hosting in this process, with containers that a test opens and breaks."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.autoscaling import resources, tracking
from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.core import circumstances
from embedded_aws.core.emulator import scope
from embedded_aws.quotas import service as quotas
from embedded_aws.quotas.catalog import instances
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.hosting import deployments, records, traffic
from embedded_aws.sagemaker.hosting.containers import ContainerError

Json = dict[str, Any]
# A policy that aims at 8 requests in flight for each instance.
TRACKING: Json = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 8,
        "ScaleOutCooldown": 60,
        "ScaleInCooldown": 300,
        "PredefinedMetricSpecification": {"PredefinedMetricType": resources.Instances.metric},
    },
}


class FakeContainer:
    """A container that is healthy when `ready` says so, unless its model is one of `broken`."""

    ready = threading.Event()
    broken = frozenset({"Broken"})

    def __init__(self, model: Json, log_group: str, _variant: Json) -> None:
        self.model_name = model["ModelName"]
        self.role_arn = "arn:aws:iam::000000000000:role/endpoint"
        self.socket = Path("/nowhere", log_group)
        self.stopped = False

    def wait_until_healthy(self, _seconds: float) -> None:
        assert self.ready.wait(120)
        if self.model_name in self.broken:
            raise ContainerError("it is broken")

    def adapter_folder(self, name: str) -> Path:
        return self.socket / name

    @property
    def grace_seconds(self) -> float:
        return circumstances.accelerated(30)  # as a stand-in's

    def stop(self) -> None:
        self.stopped = True


class Hosting:
    """SageMaker's hosting without processes."""

    def call(self, operation: str, **request: Any) -> Json:
        return sagemaker.service.call(operation, request)

    def config(self, name: str, model: str = "M", **variant: Any) -> str:
        given = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": "ml.g5.2xlarge",
            "InitialInstanceCount": 1,
            **variant,
        }
        self.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[given])
        return name

    def create(self, config: str = "C") -> Json:
        """The endpoint `E`, when it has settled."""
        self.call("CreateEndpoint", EndpointName="E", EndpointConfigName=config)
        return self.settled()

    def update(self, config: str, **more: Any) -> None:
        self.call("UpdateEndpoint", EndpointName="E", EndpointConfigName=config, **more)

    def described(self) -> Json:
        return self.call("DescribeEndpoint", EndpointName="E")

    def settled(self) -> Json:
        deployments.wait_until_settled("E")
        return self.described()

    def grant(self, value: int, instance_type: str = "ml.g5.2xlarge") -> None:
        """Raise the quota of a new account."""
        code = instances(instance_type, "endpoint usage").code
        request = {"ServiceCode": "sagemaker", "QuotaCode": code, "DesiredValue": value}
        quotas.service.call("RequestServiceQuotaIncrease", request)

    def set(self, **settings: Any) -> None:
        """Set the circumstances; nobody waits for guardrails unless a test does."""
        circumstances.write(circumstances.FILE, {"time_scale": 1000, **settings})


@pytest.fixture
def hosting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hosting]:
    """Hosting with the models `M` and `Broken`, and the configuration `C` of one instance."""
    monkeypatch.setattr(circumstances, "FILE", tmp_path / "circumstances.json")
    monkeypatch.setattr(deployments, "Container", FakeContainer)
    FakeContainer.ready.set()
    with scope("000000000000", "us-east-1"):
        hosting = Hosting()
        hosting.set()
        for name in ("M", "Broken"):
            hosting.call("CreateModel", ModelName=name, PrimaryContainer={})
        hosting.config("C")
        yield hosting
        FakeContainer.ready.set()
        hosting.set()
        if "E" in records.endpoints:
            hosting.settled()
        traffic.stop_all()
        stores = (*records.STORES.values(), *quotas.STORES.values())
        for store in (*stores, *autoscaling.STORES.values()):
            store.clear()
        tracking.follow_all()  # no target is left to be remembered
