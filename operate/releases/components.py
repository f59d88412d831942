"""An endpoint's inference components: which model they serve, and what drifted."""

from collections.abc import Iterator
from typing import Any

from operate.environment import Client, Environment
from operate.releases.check import Check

_COMPONENT = "AWS::SageMaker::InferenceComponent"


def hosts_components(environment: Environment) -> bool:
    """Return whether the endpoint's configuration has no model, since its components bring it."""
    sagemaker = environment.client("sagemaker")
    name = environment.outputs("Serving")["EndpointName"]
    config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    found = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    return all("ModelName" not in variant for variant in found["ProductionVariants"])


def served_model(sagemaker: Client, endpoint_name: str, variant: dict[str, Any]) -> str:
    """Return the name of the model that is served: the variant's, or its base component's."""
    if "ModelName" in variant:
        return str(variant["ModelName"])
    return str(base_component(sagemaker, endpoint_name)["Specification"]["ModelName"])


def base_component(sagemaker: Client, endpoint_name: str) -> dict[str, Any]:
    """Return the component that brings the model; raises SystemExit if there is none."""
    for found in _components(sagemaker, endpoint_name):
        if "ModelName" in found["Specification"]:
            return found
    raise SystemExit(f"endpoint {endpoint_name} has no base component: deploy its stack again")


def component_checks(
    sagemaker: Client,
    endpoint_name: str,
    template: dict[str, Any],
    physical: dict[str, str],
) -> Iterator[Check]:
    """Yield a check of each component of the template; `physical` has ids by logical ids."""
    there = {each["InferenceComponentArn"]: each for each in _components(sagemaker, endpoint_name)}
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != _COMPONENT:
            continue
        found = there.pop(physical.get(logical_id, ""), {})
        name = found.get("InferenceComponentName", logical_id)
        yield Check(f"component {name}", "InService", found.get("InferenceComponentStatus", "gone"))
        said = resource["Properties"]["Specification"].get("Container", {}).get("ArtifactUrl")
        if said and found:
            served = found["Specification"].get("Container", {}).get("ArtifactUrl")
            yield Check(f"adapter of {name}", said, served)
    for name in sorted(each["InferenceComponentName"] for each in there.values()):
        yield Check(f"component {name}", "not there", "there")


def _components(sagemaker: Client, endpoint_name: str) -> Iterator[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_inference_components").paginate(
        EndpointNameEquals=endpoint_name
    )
    for page in pages:
        for each in page["InferenceComponents"]:
            name = each["InferenceComponentName"]
            yield sagemaker.describe_inference_component(InferenceComponentName=name)
