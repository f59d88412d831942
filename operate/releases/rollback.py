"""Rollback to the model that was served before."""

from typing import Any

from operate.environment import Environment
from operate.releases.inventories import check_weights
from operate.releases.origins import print_origin
from operate.releases.updates import POLL_SECONDS, serve_package, served_package


def rollback(environment: Environment, every: float = POLL_SECONDS) -> None:
    """Release the approved package before the served one, or the base weights without one."""
    served = served_package(environment)
    if not served:
        raise SystemExit(
            f"{environment.name} serves the base weights, so there is no earlier model"
        )
    previous = previous_package(approved_packages(environment), served)
    print(f"from {served}\nto   {previous or 'the base weights'}")
    print_origin(environment.client("sagemaker"), previous)
    if previous:
        check_weights(environment, previous)
    serve_package(environment, previous, every)


def approved_packages(environment: Environment) -> list[str]:
    """Return the ARNs of the approved packages in the environment's registry."""
    group = environment.outputs("Training")["ModelPackageGroupName"]
    pages = (
        environment.client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    )
    summaries: list[dict[str, Any]] = [s for page in pages for s in page["ModelPackageSummaryList"]]
    return [str(summary["ModelPackageArn"]) for summary in summaries]


def previous_package(approved: list[str], served: str) -> str:
    """Return the newest approved package older than the served one, or an empty string."""
    older = [arn for arn in approved if version(arn) < version(served)]
    return max(older, key=version, default="")


def version(package_arn: str) -> int:
    """Return the version that a package's ARN ends with."""
    return int(package_arn.rpartition("/")[2])
