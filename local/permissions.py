"""What IAM must allow for a call of SageMaker's control plane, by the authorization reference."""

from collections.abc import Iterator

from local import model_registry
from local.emulator import Json
from local.pipelines import callbacks
from local.rpc import Permission
from local.sagemaker_names import resource_arn

# The members of a request that name a resource, and what their resource type is.
_NAMED = {
    "ModelName": "model",
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "ModelPackageGroupName": "model-package-group",
    "PipelineName": "pipeline",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
}
_ROLES = ("RoleArn", "ExecutionRoleArn")


def required(operation: str, request: Json) -> Iterator[Permission]:
    """Each permission that the caller of `operation` needs."""
    resources = list(_resources(operation, request)) or ["*"]
    for resource in resources:
        yield Permission(f"sagemaker:{operation}", resource)
    if request.get("Tags"):
        yield Permission("sagemaker:AddTags", resources[0])
    for member in _ROLES:
        if member in request:
            context = {"iam:PassedToService": "sagemaker.amazonaws.com"}
            yield Permission("iam:PassRole", request[member], context)


def _resources(operation: str, request: Json) -> Iterator[str]:
    if operation == "CreateModelPackage" and "ModelPackageGroupName" in request:
        yield model_registry.next_arn(model_registry.group_name(request))
    elif operation == "ListModelPackages" and "ModelPackageGroupName" in request:
        yield model_registry.package_arn(f"{model_registry.group_name(request)}/*")
    elif package := request.get("ModelPackageArn") or request.get("ModelPackageName"):
        yield model_registry.package_arn(package)
    elif execution := request.get("PipelineExecutionArn"):
        yield execution
    elif token := request.get("CallbackToken"):
        yield callbacks.execution_arn(token)
    else:
        for member, kind in _NAMED.items():
            if member in request:
                yield resource_arn(kind, request[member])
