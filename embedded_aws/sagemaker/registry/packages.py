"""SageMaker's model registry: groups, their versioned packages, and their approval."""

from collections.abc import Sequence

from embedded_aws.core import circumstances
from embedded_aws.core.emulator import Json, ScopedStore, put_event
from embedded_aws.core.rpc import Operation, ServiceError, invalid, now
from embedded_aws.iam.permissions import user_context
from embedded_aws.sagemaker import listings
from embedded_aws.sagemaker.names import find, resource_arn

groups, packages = ScopedStore(), ScopedStore()  # by name, and by ARN
STORES = {"groups": groups, "packages": packages}

_COMPLETED, _APPROVED, _PENDING = "Completed", "Approved", "PendingManualApproval"
_UPDATABLE = ("ModelApprovalStatus", "ApprovalDescription", "SourceUri")
_CHANGEABLE = {*_UPDATABLE, "CustomerMetadataProperties"}


def package_arn(name: str) -> str:
    """Return the ARN of the package that a request names by its ARN, or as `group/version`."""
    return resource_arn("model-package", name)


def group_name(request: Json) -> str:
    """Return the name of the group that a request names, which it may by ARN."""
    given: str = request["ModelPackageGroupName"]
    record = find(groups, given, "ModelPackageGroupArn")
    return record["ModelPackageGroupName"] if record else given.rpartition("/")[2]


def next_arn(group: str) -> str:
    """Return the ARN that the next package of the group gets."""
    version = groups.get(group, {}).get("_LastVersion", 0) + 1
    return package_arn(f"{group}/{version}")


def check_hostable(name: str) -> None:
    """Raise ServiceError unless the package may be hosted.

    The API's reference asks for the approval.

    Unverified: that CreateModel also refuses a package that is not Completed, and the words of
    both; look at its error for a package that is pending.
    """
    package = _package(name)
    if package["ModelPackageStatus"] != _COMPLETED:
        raise invalid(
            f"Model package {package['ModelPackageArn']} is {package['ModelPackageStatus']}: "
            "only a Completed package can be hosted"
        )
    if package["ModelApprovalStatus"] != _APPROVED:
        raise invalid(
            f"Model package {package['ModelPackageArn']} is {package['ModelApprovalStatus']}: "
            "only an Approved package can be hosted"
        )


def container(name: str) -> Json:
    """Return the container that a package describes."""
    found: Json = _package(name)["InferenceSpecification"]["Containers"][0]
    return found


def _group(request: Json) -> Json:
    name = group_name(request)
    if name not in groups:
        group_arn = resource_arn("model-package-group", name)
        raise invalid(f"ModelPackageGroup {group_arn} does not exist.")
    record: Json = groups[name]
    return record


def _package(name: str) -> Json:
    wanted = package_arn(name)
    if wanted not in packages:
        raise invalid(f"ModelPackage {wanted} does not exist.")
    record: Json = packages[wanted]
    return record


def _shown(record: Json) -> Json:
    hidden = ("Tags", "ClientToken")
    return {k: v for k, v in record.items() if k not in hidden and not k.startswith("_")}


def create_group(request: Json) -> Json:
    """CreateModelPackageGroup."""
    name = request["ModelPackageGroupName"]
    if name in groups:
        raise invalid(f"Model Package Group already exists: {name}")
    group_arn = resource_arn("model-package-group", name)
    groups[name] = {
        **request,
        "ModelPackageGroupArn": group_arn,
        "ModelPackageGroupStatus": "Completed",
        "CreationTime": now(),
        "CreatedBy": user_context(),
    }
    return {"ModelPackageGroupArn": group_arn}


def describe_group(request: Json) -> Json:
    """DescribeModelPackageGroup."""
    return _shown(_group(request))


def list_groups(request: Json) -> Json:
    """ListModelPackageGroups."""
    members = tuple(
        f"ModelPackageGroup{member}" for member in ("Name", "Arn", "Description", "Status")
    )
    return listings.page(
        "ModelPackageGroupSummaryList",
        groups.values(),
        (*members, "CreationTime"),
        request,
        sort_keys={"Name": "ModelPackageGroupName", "CreationTime": "CreationTime"},
    )


def delete_group(request: Json) -> Json:
    """DeleteModelPackageGroup: only an empty one."""
    name = _group(request)["ModelPackageGroupName"]
    held = [arn for arn, p in packages.items() if p["ModelPackageGroupName"] == name]
    if held:
        raise ServiceError(
            "ConflictException",
            f"Model package group {name} holds model packages; first delete, with "
            f"DeleteModelPackage, {', '.join(held)}",
        )
    del groups[name]
    return {}


def create_package(request: Json) -> Json:
    """CreateModelPackage: the next version of a group."""
    if "ModelPackageGroupName" not in request:
        raise invalid("the embedded SageMaker registers packages in a ModelPackageGroupName only")
    if len(request.get("InferenceSpecification", {}).get("Containers", [])) != 1:
        raise invalid("give one container in InferenceSpecification.Containers")
    group = _group(request)
    created = next_arn(group["ModelPackageGroupName"])
    version = int(created.rpartition("/")[2])
    group["_LastVersion"] = version  # a deleted version's number is not given again
    packages[created] = {
        "ModelApprovalStatus": _PENDING,
        **request,
        "ModelPackageGroupName": group["ModelPackageGroupName"],
        "ModelPackageArn": created,
        "ModelPackageVersion": version,
        "ModelPackageStatus": circumstances.current().package_status,
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "CreationTime": now(),
        "CreatedBy": user_context(),
    }
    _tell(packages[created])
    return {"ModelPackageArn": created}


def describe_package(request: Json) -> Json:
    """DescribeModelPackage."""
    return _shown(_package(request["ModelPackageName"]))


def list_packages(request: Json) -> Json:
    """ListModelPackages."""
    wanted = {k: request[k] for k in ("ModelApprovalStatus",) if k in request}
    if "ModelPackageGroupName" in request:
        wanted["ModelPackageGroupName"] = _group(request)["ModelPackageGroupName"]
    versioned = "Versioned" if "ModelPackageGroupName" in request else "Unversioned"
    every = packages.values() if request.get("ModelPackageType", versioned) != "Unversioned" else []
    members = ("GroupName", "Version", "Arn", "Description", "Status")
    return listings.page(
        "ModelPackageSummaryList",
        (record for record in every if all(record[k] == v for k, v in wanted.items())),
        (*(f"ModelPackage{member}" for member in members), "ModelApprovalStatus", "CreationTime"),
        request,
        sort_keys={"Name": "ModelPackageArn", "CreationTime": "CreationTime"},
        handled=("ModelPackageGroupName", "ModelApprovalStatus", "ModelPackageType"),
    )


def update_package(request: Json) -> Json:
    """UpdateModelPackage: approval, and what says more about it."""
    record = _package(request["ModelPackageArn"])
    known = {*_CHANGEABLE, "ModelPackageArn", "ClientToken"}
    if unknown := request.keys() - known:
        raise invalid(f"the embedded SageMaker does not update {', '.join(sorted(unknown))}")
    record.update({k: request[k] for k in _UPDATABLE if k in request})
    if "CustomerMetadataProperties" in request:
        record.setdefault("CustomerMetadataProperties", {}).update(
            request["CustomerMetadataProperties"]
        )
    record.update(LastModifiedTime=now(), LastModifiedBy=user_context())
    _tell(record, changed=sorted(request.keys() & _CHANGEABLE))
    return {"ModelPackageArn": record["ModelPackageArn"]}


def delete_package(request: Json) -> Json:
    """DeleteModelPackage."""
    del packages[_package(request["ModelPackageName"])["ModelPackageArn"]]
    return {}


def _tell(record: Json, changed: Sequence[str] = ()) -> None:
    detail = _shown(record)
    if changed:
        detail["UpdatedModelPackageFields"] = changed
    group, version = record["ModelPackageGroupName"], record["ModelPackageVersion"]
    detail["ModelPackageName"] = f"{group}/{version}"
    for member in ("CreationTime", "LastModifiedTime"):
        if member in detail:
            detail[member] = int(detail[member] * 1000)
    put_event(
        "aws.sagemaker",
        "SageMaker Model Package State Change",
        [record["ModelPackageArn"]],
        detail,
    )


OPERATIONS: dict[str, Operation] = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "ListModelPackageGroups": list_groups,
    "DeleteModelPackageGroup": delete_group,
    "CreateModelPackage": create_package,
    "DescribeModelPackage": describe_package,
    "ListModelPackages": list_packages,
    "UpdateModelPackage": update_package,
    "DeleteModelPackage": delete_package,
}
