"""What the endpoint of a stage serves, as SageMaker describes it."""

from typing import Any

from tests.embedded.conftest import LocalStage


def endpoint(aws: LocalStage) -> dict[str, Any]:
    """The one endpoint."""
    sagemaker = aws.client("sagemaker")
    (found,) = sagemaker.list_endpoints()["Endpoints"]
    return dict(sagemaker.describe_endpoint(EndpointName=found["EndpointName"]))


def variant(aws: LocalStage) -> dict[str, Any]:
    """The variant of its configuration."""
    name = endpoint(aws)["EndpointConfigName"]
    config = aws.client("sagemaker").describe_endpoint_config(EndpointConfigName=name)
    (found,) = config["ProductionVariants"]
    return dict(found)


def model(aws: LocalStage) -> dict[str, Any]:
    """The model of its variant."""
    return dict(aws.client("sagemaker").describe_model(ModelName=variant(aws)["ModelName"]))


def container(aws: LocalStage) -> dict[str, Any]:
    """The container of its model."""
    return dict(model(aws)["PrimaryContainer"])
