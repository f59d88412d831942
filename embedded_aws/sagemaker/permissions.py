"""What IAM must allow for a call of SageMaker's control plane, by the authorization reference."""

from collections.abc import Iterator

from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import Permission
from embedded_aws.sagemaker.hosting.records import configs
from embedded_aws.sagemaker.names import resource_arn
from embedded_aws.sagemaker.pipelines import callbacks
from embedded_aws.sagemaker.registry import packages as model_registry

# The members of a request that name a resource, and what their resource type is.
_NAMED = {
    "ModelName": "model",
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "ModelPackageGroupName": "model-package-group",
    "PipelineName": "pipeline",
    "InferenceComponentName": "inference-component",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
}
_ROLES = ("RoleArn", "ExecutionRoleArn")


def required(operation: str, request: Json) -> Iterator[Permission]:
    """Yield each permission that the caller of `operation` needs."""
    resources = list(_resources(operation, request)) or ["*"]
    for resource in resources:
        yield Permission(f"sagemaker:{operation}", resource, dict(_keys(operation, request)))
    if request.get("Tags"):
        yield Permission("sagemaker:AddTags", resources[0])
    for member in _ROLES:
        if member in request:
            context = {"iam:PassedToService": "sagemaker.amazonaws.com"}
            yield Permission("iam:PassRole", request[member], context)
    yield from _of_others(operation, request)


def _of_others(operation: str, request: Json) -> Iterator[Permission]:
    """Yield what SageMaker does as the caller, before it acts as a role."""
    config = configs.get(request.get("EndpointConfigName", ""), {})
    if operation in ("CreateEndpoint", "UpdateEndpoint") and "KmsKeyId" in config:
        yield Permission(
            "kms:CreateGrant", config["KmsKeyId"], {"kms:GrantIsForAWSResource": "true"}
        )
    container = request.get("PrimaryContainer", {})
    if operation == "CreateModel" and (package := container.get("ModelPackageName")):
        arn = model_registry.package_arn(package)
        yield Permission("sagemaker:DescribeModelPackage", arn)


def _keys(operation: str, request: Json) -> Iterator[tuple[str, object]]:
    """Yield the condition keys of SageMaker that the request has a value for."""
    if operation == "CreateModel":
        isolated = request.get("EnableNetworkIsolation", False)
        yield "sagemaker:NetworkIsolation", str(isolated).lower()
    elif operation == "CreateEndpointConfig":
        yield "sagemaker:InstanceTypes", [v["InstanceType"] for v in request["ProductionVariants"]]
        if "KmsKeyId" in request:
            yield "sagemaker:VolumeKmsKey", request["KmsKeyId"]
    elif operation in ("CreateModelPackage", "UpdateModelPackage"):
        if "ModelApprovalStatus" in request:
            yield "sagemaker:ModelApprovalStatus", request["ModelApprovalStatus"]
        for name, value in request.get("CustomerMetadataProperties", {}).items():
            yield f"sagemaker:CustomerMetadataProperties/{name}", value
        if removed := request.get("CustomerMetadataPropertiesToRemove"):
            yield "sagemaker:CustomerMetadataPropertiesToRemove", removed


def _resources(operation: str, request: Json) -> Iterator[str]:
    if operation == "CreateModelPackage" and "ModelPackageGroupName" in request:
        yield model_registry.next_arn(model_registry.group_name(request))
    elif operation == "ListModelPackages" and "ModelPackageGroupName" in request:
        yield model_registry.package_arn(f"{model_registry.group_name(request)}/*")
    elif package := request.get("ModelPackageArn") or request.get("ModelPackageName"):
        yield model_registry.package_arn(package)
    elif tagged := request.get("ResourceArn"):
        yield tagged
    elif execution := request.get("PipelineExecutionArn"):
        yield execution
    elif token := request.get("CallbackToken"):
        yield callbacks.execution_arn(token)
    else:
        for member, kind in _NAMED.items():
            if member in request:
                yield resource_arn(kind, request[member])
