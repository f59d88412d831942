"""The model registry: what it says of a package, and that one which failed is not approved."""

from typing import Any

from model_release.clients import sagemaker

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


def hold(package_arn: str, reason: str) -> None:
    """Take back the approval that came with the registration: a person must give it."""
    _set_status(package_arn, "PendingManualApproval", reason)


def _set_status(package_arn: str, status: str, reason: str) -> None:
    sagemaker().update_model_package(
        ModelPackageArn=package_arn,
        ModelApprovalStatus=status,
        ApprovalDescription=reason[:_LONGEST_DESCRIPTION],
    )
