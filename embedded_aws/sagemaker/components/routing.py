"""Which container answers a request: the endpoint's own, or that of the component it names."""

from collections.abc import Mapping
from typing import NamedTuple

from embedded_aws.core.emulator import Json, arn
from embedded_aws.sagemaker.components.adapters import NO_ROUTE, UNKNOWN
from embedded_aws.sagemaker.components.records import KIND, base_of
from embedded_aws.sagemaker.hosting.fleets import COPIES
from embedded_aws.sagemaker.hosting.records import HOSTS, components, endpoints

_HEADER = "x-amzn-sagemaker-inference-component"
_ADAPTER_HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
_MISSING = (
    "Inference Component Name header is required for endpoints to which you plan to deploy"
    " inference components. Please include Inference Component Name header or consider using"
    " SageMaker models."
)


class Aim(NamedTuple):
    """What takes a request, by the name that `traffic` has for it, and the headers it adds."""

    served: str
    headers: Mapping[str, str]


class AimError(Exception):
    """A request that SageMaker sends to no container."""

    def __init__(self, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class UnknownAdapterError(Exception):
    """A request for an adapter that its container never learned of."""

    text = NO_ROUTE


def resources(endpoint_name: str, headers: Mapping[str, str]) -> list[str]:
    """Return what IAM must allow a caller to invoke.

    Unverified: that AWS asks about the component too; the authorization reference lists it as an
    optional resource; look at a call with a policy for the endpoint alone.
    """
    named = headers.get(_HEADER)
    component = [arn("sagemaker", f"{KIND}/{named.lower()}")] if named else []
    return [arn("sagemaker", f"endpoint/{endpoint_name.lower()}"), *component]


def aim(endpoint_name: str, headers: Mapping[str, str]) -> Aim:
    """Return what takes a request; raises AimError and UnknownAdapterError."""
    name = headers.get(_HEADER)
    if HOSTS not in endpoints.get(endpoint_name, {}):
        if name is not None and endpoint_name in endpoints:
            raise AimError(
                f"Inference component {name} of endpoint {endpoint_name} not found: its variant has"
                " a model."
            )
        return Aim(endpoint_name, {})
    if name is None:
        raise AimError(_MISSING, {"ErrorCode": "INFERENCE_COMPONENT_NAME_MISSING"})
    record = components.get(name, {})
    if record.get("EndpointName") != endpoint_name:
        raise AimError(f"Inference component {name} of endpoint {endpoint_name} not found.")
    if record["InferenceComponentStatus"] not in ("InService", "Updating"):
        raise AimError(f"Inference Component has no capacity to process this request: {name}.")
    base = base_of(record)
    if components.get(base or name, {}).get(COPIES) == 0:
        raise AimError(f"Inference Component has no capacity to process this request: {name}.")
    if base is None:
        return Aim(f"{KIND}/{name}", {})
    if record.get(UNKNOWN):
        raise UnknownAdapterError(name)
    return Aim(f"{KIND}/{base}", {_ADAPTER_HEADER: name})
