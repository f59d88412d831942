"""Rollback to the model that was served before."""

import re
from datetime import UTC, datetime
from typing import Any

from operate.environment import Client, Environment
from operate.releases.inventories import check_weights
from operate.releases.origins import print_origin
from operate.releases.unguarded import way_back
from operate.releases.updates import POLL_SECONDS, serve_package, served_package

# In a package's metadata: when its release was confirmed, and when a rollback took it back.
_SERVED, _ROLLED_BACK = "served_at", "rolled_back_at"
_BASE = "base"
_NAME_IT = f"name the model to return to, with TO=<a version of the registry> or TO={_BASE}"


def rollback(environment: Environment, to: str = "", every: float = POLL_SECONDS) -> None:
    """Release what was served before the served package: a package, or the base weights.

    No alarm undoes it: what it replaces may make one ring.
    """
    if not environment.is_deployed("Training"):
        raise SystemExit(
            f"{environment.name} has no stack {environment.stack_name('Training')}, so its model"
            " changes by deployments only: deploy the model, revision or file that was served"
            " before"
        )
    sagemaker, served = environment.client("sagemaker"), served_package(environment)
    if not served and not to:
        raise SystemExit(
            f"{environment.name} serves the base weights, so there is no earlier model: {_NAME_IT}"
        )
    packages = _approved_packages(environment)
    previous = _named(packages, to) if to else _previous(sagemaker, packages, served)
    if previous == served:
        raise SystemExit(f"{environment.name} serves {served or 'the base weights'} already")
    print(f"from {served or 'the base weights'}\nto   {previous or 'the base weights'}")
    print_origin(sagemaker, previous)
    if previous:
        _check_server(environment, previous)
        check_weights(environment, previous)
    serve_package(environment, previous, every, way_back(environment))
    if served:
        _note(sagemaker, served, _ROLLED_BACK)
    if to and previous:
        _note(sagemaker, previous, _SERVED)


def _check_server(environment: Environment, package_arn: str) -> None:
    """Raise SystemExit for a package that another server than the endpoint's runs."""
    package = environment.client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    (container,) = package["InferenceSpecification"]["Containers"]
    registered, served = container["Image"], environment.outputs("Serving")["ServingImageTag"]
    server = served.partition(":")[0]
    if re.split(r"[:@]", registered.partition("/")[2])[0] != server:
        raise SystemExit(
            f"{package_arn} was registered for another server, {registered}, and the endpoint runs"
            f" {server}: {_NAME_IT}"
        )


def previous_package(served_at: dict[str, str], served: str) -> str:
    """Return the package that was served last before the served one, or an empty string.

    `served_at` has the moments of the packages that were released and not rolled back since.
    """
    before = {arn: at for arn, at in served_at.items() if at < served_at[served]}
    return max(before, key=before.__getitem__, default="")


def _previous(sagemaker: Client, packages: list[str], served: str) -> str:
    histories = {arn: _metadata(sagemaker, arn) for arn in {*packages, served}}
    served_at = {
        arn: history[_SERVED]
        for arn, history in histories.items()
        if _SERVED in history
        and (arn == served or history[_SERVED] > history.get(_ROLLED_BACK, ""))
    }
    if served not in served_at:
        raise SystemExit(f"no release records when {served} began to be served: {_NAME_IT}")
    return previous_package(served_at, served)


def _named(packages: list[str], to: str) -> str:
    """Return the approved package with a version."""
    if to == _BASE:
        return ""
    for arn in packages:
        if arn.rpartition("/")[2] == to:
            return arn
    versions = ", ".join(sorted((arn.rpartition("/")[2] for arn in packages), key=int))
    raise SystemExit(
        f"TO must be {_BASE} or an approved version ({versions or 'there is none'}), got {to!r}"
    )


def _note(sagemaker: Client, package_arn: str, what: str) -> None:
    """Record the moment in a package's metadata, from where the next rollback goes on."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    sagemaker.update_model_package(
        ModelPackageArn=package_arn,
        CustomerMetadataProperties={**_metadata(sagemaker, package_arn), what: moment},
    )


def _metadata(sagemaker: Client, package_arn: str) -> dict[str, str]:
    package = sagemaker.describe_model_package(ModelPackageName=package_arn)
    metadata: dict[str, str] = package.get("CustomerMetadataProperties", {})
    return metadata


def _approved_packages(environment: Environment) -> list[str]:
    """Return the ARNs of the approved packages in the environment's registry."""
    group = environment.outputs("Training")["ModelPackageGroupName"]
    pages = (
        environment.client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    )
    summaries: list[dict[str, Any]] = [s for page in pages for s in page["ModelPackageSummaryList"]]
    return [str(summary["ModelPackageArn"]) for summary in summaries]
