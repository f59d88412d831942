"""What Application Auto Scaling scales: a variant's instances, or a component's copies."""

import hashlib
from typing import ClassVar, NamedTuple, Protocol

from embedded_aws.core.emulator import Json, arn
from embedded_aws.core.rpc import invalid
from embedded_aws.sagemaker.components import operations as components
from embedded_aws.sagemaker.components.records import KIND, component, is_adapter
from embedded_aws.sagemaker.hosting import endpoints, records, traffic

TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")  # tell a scalable target apart


def target_id(request: Json) -> str:
    """Return what CloudFormation knows a scalable target by."""
    return "|".join(request[name] for name in TARGET)


def target_arn(request: Json) -> str:
    """Return the ARN of the scalable target that a request names."""
    digest = hashlib.sha256(target_id(request).encode()).hexdigest()[:24]
    return arn("application-autoscaling", f"scalable-target/{digest}")


class State(NamedTuple):
    """How many there are, whether that may change now, and why it did not when it was to."""

    number: int
    is_settled: bool
    failure: str


class Scaled(Protocol):
    """One count that policies set."""

    dimension: ClassVar[str]
    metric: ClassVar[str]  # the requests in flight for each, every 10 seconds
    unit: ClassVar[str]

    def state(self) -> State:
        """Return how it is."""
        ...

    def in_flight(self) -> list[int]:
        """Return how many requests each of them works on."""
        ...

    def set(self, count: int) -> None:
        """Ask for so many; raises ServiceError."""
        ...


class Instances:
    """The instances of an endpoint's one variant."""

    dimension: ClassVar = "sagemaker:variant:DesiredInstanceCount"
    metric: ClassVar = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    unit: ClassVar = "instance"

    def __init__(self, resource_id: str) -> None:
        kind, _, rest = resource_id.partition("/")
        self._endpoint, _, variant = rest.partition("/")
        if kind != "endpoint" or self._endpoint not in records.endpoints:
            raise invalid(f"no such resource: {resource_id}")
        self._variant = variant.removeprefix("variant/")

    def state(self) -> State:
        """Return how it is."""
        found = endpoints.describe_endpoint({"EndpointName": self._endpoint})
        (variant,) = found["ProductionVariants"] or [{"CurrentInstanceCount": 0}]
        return State(
            variant["CurrentInstanceCount"],
            found["EndpointStatus"] == "InService",
            found.get("FailureReason", ""),
        )

    def in_flight(self) -> list[int]:
        """Return how many requests each of them works on."""
        return traffic.in_flight(self._endpoint)

    def set(self, count: int) -> None:
        """Ask for so many; raises ServiceError."""
        desired = {"VariantName": self._variant, "DesiredInstanceCount": count}
        request = {"EndpointName": self._endpoint, "DesiredWeightsAndCapacities": [desired]}
        endpoints.update_weights_and_capacities(request)


class Copies:
    """The copies of a base component, which its adapters have too."""

    dimension: ClassVar = "sagemaker:inference-component:DesiredCopyCount"
    metric: ClassVar = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    unit: ClassVar = "copy"

    def __init__(self, resource_id: str) -> None:
        kind, _, self._name = resource_id.partition("/")
        if kind != KIND or self._name not in records.components:
            raise invalid(f"no such resource: {resource_id}")
        if is_adapter(component(self._name)):
            raise invalid(f"{self._name} is an adapter, which has the copies of its base")

    def state(self) -> State:
        """Return how it is."""
        found = components.describe_component({"InferenceComponentName": self._name})
        return State(
            found["RuntimeConfig"]["CurrentCopyCount"],
            found["InferenceComponentStatus"] == "InService",
            found.get("FailureReason", ""),
        )

    def in_flight(self) -> list[int]:
        """Return how many requests each of them works on."""
        return traffic.in_flight(f"{KIND}/{self._name}")

    def set(self, count: int) -> None:
        """Ask for so many; raises ServiceError."""
        desired = {
            "InferenceComponentName": self._name,
            "DesiredRuntimeConfig": {"CopyCount": count},
        }
        components.update_runtime_config(desired)


_KINDS: dict[str, type[Instances] | type[Copies]] = {
    each.dimension: each for each in (Instances, Copies)
}


def of(target: Json) -> Scaled:
    """Return what a scalable target names; raises ServiceError for anything else."""
    kind = _KINDS.get(target["ScalableDimension"])
    if kind is None:
        known, got = " and ".join(_KINDS), target["ScalableDimension"]
        raise invalid(f"the embedded AWS scales {known} only, got {got}")
    return kind(target["ResourceId"])
