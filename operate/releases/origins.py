"""The origin of a package: who started its execution, and whether its gate was lowered."""

from typing import Any

from botocore.exceptions import ClientError

from operate.environment import Client

_UNKNOWN = "an identity that SageMaker does not name"


def print_origin(sagemaker: Client, package_arn: str) -> None:
    """Print what to know of a package before serving it."""
    if package_arn:
        package = sagemaker.describe_model_package(ModelPackageName=package_arn)
        print("\n".join(origin(sagemaker, package)))


def origin(sagemaker: Client, package: dict[str, Any]) -> list[str]:
    """Return who started the execution that made the package, and any lowered threshold."""
    metadata: dict[str, str] = package.get("CustomerMetadataProperties", {})
    lines = []
    if execution := metadata.get("pipeline_execution"):
        lines.append(f"made by {execution}, started by {_starter(sagemaker, execution)}")
    if lowered := metadata.get("gate_lowered"):
        lines.append(f"its gate was lowered: {lowered}")
    return lines


def _starter(sagemaker: Client, execution_arn: str) -> str:
    try:
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
    except ClientError as error:
        return f"{_UNKNOWN} ({error})"
    user = execution.get("CreatedBy", {})
    identity = user.get("IamIdentity", {}).get("Arn") or user.get("UserProfileName")
    return str(identity or _UNKNOWN)
