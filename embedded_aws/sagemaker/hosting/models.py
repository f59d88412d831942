"""SageMaker's models and endpoint configurations: what an endpoint is made from."""

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import Operation, invalid
from embedded_aws.sagemaker import disks
from embedded_aws.sagemaker.hosting import images
from embedded_aws.sagemaker.hosting.records import (
    check_emulated,
    configs,
    create,
    described,
    get,
    models,
    page,
)
from embedded_aws.sagemaker.registry import packages as model_registry

_MODEL = frozenset(
    ("ModelName", "PrimaryContainer", "ExecutionRoleArn", "EnableNetworkIsolation", "Tags")
)
_CONTAINER = frozenset(
    ("Image", "Environment", "ModelDataSource", "ModelPackageName", "ContainerHostname")
)
_CONFIG = frozenset(
    ("EndpointConfigName", "ProductionVariants", "KmsKeyId", "MetricsConfig", "Tags")
)
_INSTANCES = frozenset(
    (
        "VariantName",
        "InstanceType",
        "InitialInstanceCount",
        "InitialVariantWeight",
        "RoutingConfig",
        "InferenceAmiVersion",
    )
)
_VARIANT = _INSTANCES | {
    "ModelName",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
}
# Of endpoints that host inference components, whose variants have no model.
_HOST = _CONFIG | {"ExecutionRoleArn", "EnableNetworkIsolation"}
_HOST_VARIANT = _INSTANCES | {"ManagedInstanceScaling"}


def create_model(request: Json) -> Json:
    """CreateModel."""
    check_emulated(request, _MODEL, "a model")
    check_emulated(request.get("PrimaryContainer", {}), _CONTAINER, "a container")
    if package := request.get("PrimaryContainer", {}).get("ModelPackageName"):
        model_registry.check_hostable(package)
    return {"ModelArn": create(models, "model", request["ModelName"], request)}


def describe_model(request: Json) -> Json:
    """DescribeModel."""
    return described(get(models, "model", request["ModelName"]), "ModelArn")


def delete_model(request: Json) -> Json:
    """DeleteModel."""
    get(models, "model", request["ModelName"])
    del models[request["ModelName"]]
    return {}


def list_models(request: Json) -> Json:
    """ListModels."""
    return page("Models", "Model", models, ("CreationTime",), request)


def create_endpoint_config(request: Json) -> Json:
    """CreateEndpointConfig; one production variant, as a laptop has one of everything."""
    variants = request.get("ProductionVariants", [])
    if len(variants) != 1:
        raise invalid(
            f"the embedded SageMaker hosts one production variant, got {len(variants)} variants"
        )
    if "ModelName" in variants[0]:
        check_emulated(request, _CONFIG, "an endpoint configuration with a model")
        check_emulated(variants[0], _VARIANT, "a production variant with a model")
        get(models, "model", variants[0]["ModelName"])
    else:
        _check_host(request, variants[0])
    if "InstanceType" in variants[0]:
        images.check_ami(variants[0]["InstanceType"], variants[0].get("InferenceAmiVersion"))
        disks.check_key("KmsKeyId", request.get("KmsKeyId"), variants[0]["InstanceType"])
    name = request["EndpointConfigName"]
    return {"EndpointConfigArn": create(configs, "endpoint-config", name, request)}


def _check_host(request: Json, variant: Json) -> None:
    """Raise ServiceError unless inference components can be put on the variant's instances."""
    check_emulated(request, _HOST, "an endpoint configuration for inference components")
    check_emulated(variant, _HOST_VARIANT, "a production variant for inference components")
    if "ExecutionRoleArn" not in request:
        raise invalid(
            "ExecutionRoleArn is required when no production variant has a ModelName: SageMaker"
            " fetches the artifacts of inference components with it"
        )
    scaling = variant.get("ManagedInstanceScaling", {})
    least, most = scaling.get("MinInstanceCount", 0), scaling.get("MaxInstanceCount")
    if most is not None and not least <= variant.get("InitialInstanceCount", 1) <= most:
        raise invalid(
            "InitialInstanceCount must be from MinInstanceCount to MaxInstanceCount of"
            " ManagedInstanceScaling"
        )


def describe_endpoint_config(request: Json) -> Json:
    """DescribeEndpointConfig."""
    record = get(configs, "endpoint-config", request["EndpointConfigName"])
    return described(record, "EndpointConfigArn")


def list_endpoint_configs(request: Json) -> Json:
    """ListEndpointConfigs."""
    return page("EndpointConfigs", "EndpointConfig", configs, ("CreationTime",), request)


def delete_endpoint_config(request: Json) -> Json:
    """DeleteEndpointConfig."""
    get(configs, "endpoint-config", request["EndpointConfigName"])
    del configs[request["EndpointConfigName"]]
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "DeleteModel": delete_model,
    "ListModels": list_models,
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "DeleteEndpointConfig": delete_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
}
