"""What is kept of inference components, and what a record says of its kind."""

from embedded_aws.core.emulator import Json
from embedded_aws.sagemaker.hosting import traffic
from embedded_aws.sagemaker.hosting.records import components, get

KIND = "inference-component"


def component(name: str) -> Json:
    """Return the record with this name; raises ServiceError as SageMaker does."""
    return get(components, KIND, name)


def base_of(record: Json) -> str | None:
    """Return the name of an adapter's base, and None for a base."""
    name: str | None = record.get("Specification", {}).get("BaseInferenceComponentName")
    return name


def is_adapter(record: Json) -> bool:
    """Return whether a component is an adapter."""
    return base_of(record) is not None


def route_key(name: str) -> traffic.Key:
    """Return what stands for a base component's container in the current account and region."""
    return traffic.key_of(f"{KIND}/{name}")  # no endpoint's name has a slash
