"""Whether what serves is what the template, the parameter and the registry say, by content."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from operate.inventories import package_weights, weights_uri
from operate.origins import origin
from operate.stacks import client, outputs, stack_name
from operate.updates import served_package

_MODEL = "AWS::SageMaker::Model"
_CONFIG = "AWS::SageMaker::EndpointConfig"


class Check(NamedTuple):
    """One thing that the stack says, and what is found behind the endpoint."""

    subject: str
    said: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        return self.said == self.found


def drift(environment: str) -> None:
    """Print each check; raises SystemExit when one does not hold."""
    checks = list(_checks(environment))
    for check in checks:
        print(f"{'same   ' if check.holds else 'DRIFTED'} {check.subject}: {check.found}")
        if not check.holds:
            print(f"        the stack says: {check.said}")
    if not all(check.holds for check in checks):
        raise SystemExit(f"{environment} serves something else than its stack says")


def _checks(environment: str) -> Iterator[Check]:
    sagemaker, name = client("sagemaker"), stack_name(environment, "Serving")
    template = client("cloudformation").get_template(StackName=name)["TemplateBody"]
    physical = _physical_ids(name)
    endpoint_name = outputs(environment, "Serving")["EndpointName"]
    endpoint = sagemaker.describe_endpoint(EndpointName=endpoint_name)
    yield Check("endpoint status", "InService", endpoint["EndpointStatus"])
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    yield Check("endpoint config", physical[_CONFIG], config["EndpointConfigArn"])
    (variant,) = config["ProductionVariants"]
    said = _properties(template, _CONFIG)["ProductionVariants"][0]
    yield Check("instance type", said["InstanceType"], variant["InstanceType"])
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    yield Check("model", physical[_MODEL], model["ModelArn"])
    yield from _container_checks(template, served_package(environment), model)


def _container_checks(
    template: dict[str, Any], package_arn: str, model: dict[str, Any]
) -> Iterator[Check]:
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
    package = client("sagemaker").describe_model_package(ModelPackageName=found)
    yield Check("approval", "Approved", package["ModelApprovalStatus"])
    yield Check("network isolation", said=True, found=model.get("EnableNetworkIsolation", False))
    yield from _package_checks(package, image=_end(base["Image"]), environment=said["Environment"])
    for line in origin(package):
        print(line)


def _package_checks(
    package: dict[str, Any], *, image: str, environment: dict[str, str]
) -> Iterator[Check]:
    """What the endpoint loads is the package's container: as registered, and as S3 has it now."""
    (container,) = package["InferenceSpecification"]["Containers"]
    yield Check("image", image, _tag(container["Image"]))
    yield Check("package's environment", environment, container.get("Environment"))
    yield Check("weights", *package_weights(package))


def _physical_ids(stack: str) -> dict[str, str]:
    resources = client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {found["ResourceType"]: found["PhysicalResourceId"] for found in resources}


def _properties(template: dict[str, Any], resource_type: str) -> dict[str, Any]:
    found = (r["Properties"] for r in template["Resources"].values() if r["Type"] == resource_type)
    properties: dict[str, Any] = next(found)
    return properties


def _end(value: str | dict[str, Any]) -> str:
    """What of a value stands in every region: the address of a registry or a bucket does not."""
    literal = value if isinstance(value, str) else str(value["Fn::Join"][1][-1])
    return _tag(literal) if not literal.endswith("/") else literal


def _tag(image: str) -> str:
    return image.rpartition("/")[2]
