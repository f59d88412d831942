"""The model registry: what it says of a package, and that one which failed is not approved."""

from typing import Any

from model_release.clients import sagemaker
from model_release.gate import LOWERED

_LONGEST_DESCRIPTION = 1024  # SageMaker's limit


def describe(package_arn: str) -> dict[str, Any]:
    """Return the package as it is now."""
    package: dict[str, Any] = sagemaker().describe_model_package(ModelPackageName=package_arn)
    return package


def reject(package_arn: str, reason: str) -> None:
    """Take the approval back, with a reason: a rollback must not choose the package.

    Whoever approves it again releases it again.
    """
    _set_status(package_arn, "Rejected", reason)


def hold(package: dict[str, Any], lowered: str) -> None:
    """Leave a package of a lowered gate to a person, and keep with it what was lowered."""
    metadata = {**package["CustomerMetadataProperties"], LOWERED: lowered}
    _set_status(
        package["ModelPackageArn"],
        "PendingManualApproval",
        f"{lowered}: a person must approve",
        CustomerMetadataProperties=metadata,
    )


def _set_status(package_arn: str, status: str, reason: str, **more: object) -> None:
    sagemaker().update_model_package(
        ModelPackageArn=package_arn,
        ModelApprovalStatus=status,
        ApprovalDescription=reason[:_LONGEST_DESCRIPTION],
        **more,
    )
