"""Drift: whether the endpoint serves what the template, the parameter and the registry say."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from operate.environment import Client, Environment
from operate.releases.check import Check
from operate.releases.components import base_component, component_checks, served_model
from operate.releases.inventories import package_weights, weights_uri
from operate.releases.origins import origin
from operate.releases.unguarded import is_unguarded
from operate.releases.updates import INSTANCE_TYPE, served_package

_MODEL = "AWS::SageMaker::Model"
_CONFIG = "AWS::SageMaker::EndpointConfig"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
# SageMaker took an update back, and CloudFormation, which noticed nothing, cleaned up after it.
_DELETED = "deleted, as SageMaker rolled the last update back: release, roll back or deploy again"

_UNGUARDED = (
    "the endpoint was deployed without its rollback alarms, as by `make rollback` or UNGUARDED=1;"
    " the next release, or deployment that changes the endpoint, has them again"
)


def drift(environment: Environment) -> None:
    """Print each check; raises SystemExit when one does not hold."""
    checks = list(_checks(environment))
    for check in checks:
        print(f"{'same   ' if check.holds else 'DRIFTED'} {check.subject}: {check.found}")
        if not check.holds:
            print(f"        the stack says: {check.said}")
    if is_unguarded(environment):
        print(f"note    updates: {_UNGUARDED}")
    if not all(check.holds for check in checks):
        raise SystemExit(f"{environment.name} does not serve what its stack says")


def _checks(environment: Environment) -> Iterator[Check]:
    sagemaker, name = environment.client("sagemaker"), environment.stack_name("Serving")
    endpoint_name = environment.outputs("Serving")["EndpointName"]
    template = environment.client("cloudformation").get_template(StackName=name)["TemplateBody"]
    resources = environment.client("cloudformation").describe_stack_resources(StackName=name)
    physical = _physical_ids(resources, "ResourceType")
    endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    yield Check("endpoint status", "InService", endpoint["EndpointStatus"])
    config = _config(sagemaker, endpoint["EndpointConfigName"])
    yield Check("endpoint config", physical[_CONFIG], config.get("EndpointConfigArn", _DELETED))
    if not config:
        return
    (variant,) = config["ProductionVariants"]
    if "ModelName" in variant:
        yield from _variant_checks(environment, template, endpoint_name, variant)
    else:
        (said,) = _properties(template, _CONFIG)["ProductionVariants"]
        yield Check("instance type", said["InstanceType"], variant["InstanceType"])
        ids = _physical_ids(resources, "LogicalResourceId")
        yield from component_checks(sagemaker, endpoint_name, template, ids)
        base = base_component(sagemaker, endpoint_name)["InferenceComponentName"]
        yield _policy_check(environment, template, f"inference-component/{base}")
    name = served_model(sagemaker, endpoint_name, variant)
    model = sagemaker.describe_model(ModelName=name)
    yield Check("model", physical[_MODEL], model["ModelArn"])
    yield from _container_checks(environment, template, model)


def _variant_checks(
    environment: Environment, template: dict[str, Any], endpoint_name: str, variant: dict[str, Any]
) -> Iterator[Check]:
    said = environment.parameter(INSTANCE_TYPE)
    yield Check("instance type", said, variant["InstanceType"])
    yield _policy_check(environment, template, f"endpoint/{endpoint_name}/variant/AllTraffic")


def _config(sagemaker: Client, name: str) -> dict[str, Any]:
    """Return the configuration that is served; empty if it was deleted."""
    try:
        found: dict[str, Any] = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        return {}
    return found


def _policy_check(environment: Environment, template: dict[str, Any], scaled: str) -> Check:
    """Return the check of the policies' names: none is left after a target's deregistration."""
    said = str(_properties(template, _POLICY)["PolicyName"])
    found = environment.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=scaled
    )["ScalingPolicies"]
    return Check("scaling policy", said, ", ".join(each["PolicyName"] for each in found) or "none")


def _container_checks(
    environment: Environment, template: dict[str, Any], model: dict[str, Any]
) -> Iterator[Check]:
    package_arn = served_package(environment)
    container: dict[str, Any] = model["PrimaryContainer"]
    found = container.get("ModelPackageName", "")
    yield Check("model package", package_arn, found)
    _, base, released = _properties(template, _MODEL)["PrimaryContainer"]["Fn::If"]
    said = released if package_arn else base
    yield Check("environment", said["Environment"], container.get("Environment"))
    if not found:
        yield Check("image", _end(base["Image"]), _tag(container.get("Image", "")))
        if uri := base.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri"):
            end = _end(uri)
            yield Check("weights", end, weights_uri(container)[-len(end) :])
        return
    sagemaker = environment.client("sagemaker")
    package = sagemaker.describe_model_package(ModelPackageName=found)
    yield Check("approval", "Approved", package["ModelApprovalStatus"])
    yield Check("network isolation", said=True, found=model.get("EnableNetworkIsolation", False))
    container = _only_container(package)
    yield Check("image", _end(base["Image"]), _tag(container["Image"]))
    yield Check("package's environment", said["Environment"], container.get("Environment"))
    # As registered, and as S3 has it now.
    yield Check("weights", *package_weights(environment.client("s3"), package))
    for line in origin(sagemaker, package):
        print(line)


def _only_container(package: dict[str, Any]) -> dict[str, Any]:
    (container,) = package["InferenceSpecification"]["Containers"]
    return dict(container)


def _physical_ids(resources: dict[str, Any], by: str) -> dict[str, str]:
    return {found[by]: found["PhysicalResourceId"] for found in resources["StackResources"]}


def _properties(template: dict[str, Any], resource_type: str) -> dict[str, Any]:
    found = (r["Properties"] for r in template["Resources"].values() if r["Type"] == resource_type)
    properties: dict[str, Any] = next(found)
    return properties


def _end(value: str | dict[str, Any]) -> str:
    """Return the part of a value that is the same in every region, without registry or bucket."""
    literal = value if isinstance(value, str) else str(value["Fn::Join"][1][-1])
    return _tag(literal) if not literal.endswith("/") else literal


def _tag(image: str) -> str:
    return image.rpartition("/")[2]
