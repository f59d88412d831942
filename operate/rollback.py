"""Back to the model that was served before."""

from typing import Any

from operate.inventories import check_weights
from operate.origins import print_origin
from operate.stacks import client, outputs
from operate.updates import serve_package, served_package


def rollback(environment: str) -> None:
    """Release the approved package before the served one, or else the base weights."""
    served = served_package(environment)
    if not served:
        raise SystemExit(f"{environment} serves the base weights: there is no model before them")
    previous = previous_package(approved_packages(environment), served)
    print(f"from {served}\nto   {previous or 'the base weights'}")
    print_origin(previous)
    if previous:
        check_weights(previous)
    serve_package(environment, previous)


def approved_packages(environment: str) -> list[str]:
    """The ARNs of the approved packages of the environment's registry."""
    group = outputs(environment, "Training")["ModelPackageGroupName"]
    pages = (
        client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    )
    summaries: list[dict[str, Any]] = [s for page in pages for s in page["ModelPackageSummaryList"]]
    return [str(summary["ModelPackageArn"]) for summary in summaries]


def previous_package(approved: list[str], served: str) -> str:
    """The newest of the approved packages that are older than the served one, or nothing."""
    older = [arn for arn in approved if version(arn) < version(served)]
    return max(older, key=version, default="")


def version(package_arn: str) -> int:
    """The version that a package's ARN ends with."""
    return int(package_arn.rpartition("/")[2])
