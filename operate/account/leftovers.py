"""What the deleted stacks of an environment left behind, as CloudFormation itself says.

It remembers deleted stacks for 90 days; an event `DELETE_SKIPPED` says what it retained.
Nothing else is ever attributed to the environment but log groups of endpoints that are named after
one of these stacks' ids, and no stack but by its name and description.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from operate.account import log_groups
from operate.environment import Client, Environment

Clients: TypeAlias = Callable[[str], Client]

_SHORTEST_KEY_WAIT_DAYS = 7
# The stacks by their description: another project may have had a stack of the same name.
STACKS: Mapping[str, str] = MappingProxyType(
    {
        "Weights": "The model's base weights",
        "Serving": "The model's endpoint",
        "Api": "The REST API over the model's endpoint",
        "Training": "Fine-tuning, registry and release",
    }
)


class Leftover(NamedTuple):
    """A resource that outlived its stack, by the name that AWS knows it by."""

    resource_type: str
    name: str
    stack: str


def standing(environment: Environment) -> list[str]:
    """Return the environment's stacks that are not deleted."""
    pages = environment.client("cloudformation").get_paginator("describe_stacks").paginate()
    ours = {environment.stack_name(stack) for stack in STACKS}
    return sorted(
        stack["StackName"]
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"] in ours
    )


def leftovers(environment: Environment) -> list[Leftover]:
    """Return what the deleted stacks retained and is still there, keys last: buckets need them."""
    deleted = dict(_deleted(environment))
    found = [
        each for each in _retained(environment, deleted) if _is_there(environment.client, each)
    ]
    serving = environment.stack_name("Serving")
    ids = [stack_id for stack_id, name in deleted.items() if name == serving]
    groups = log_groups.of_endpoints(environment.client("logs"), ids) if ids else ()
    found += [Leftover("AWS::Logs::LogGroup", group, serving) for group in groups]
    return sorted(set(found), key=lambda each: (each.resource_type == "AWS::KMS::Key", each))


def _deleted(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield the ids and names of the environment's deleted stacks."""
    cloudformation = environment.client("cloudformation")
    ours = {environment.stack_name(stack): text for stack, text in STACKS.items()}
    deleted = cloudformation.get_paginator("list_stacks").paginate(
        StackStatusFilter=["DELETE_COMPLETE"]
    )
    stacks = (stack for page in deleted for stack in page["StackSummaries"])
    for stack in (stack for stack in stacks if stack["StackName"] in ours):
        (described,) = cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"]
        if described.get("Description") == ours[stack["StackName"]]:
            yield stack["StackId"], stack["StackName"]


def _retained(environment: Environment, deleted: Mapping[str, str]) -> Iterator[Leftover]:
    events = environment.client("cloudformation").get_paginator("describe_stack_events")
    for stack_id, name_of_stack in deleted.items():
        pages = events.paginate(StackName=stack_id)
        for resource in (each for page in pages for each in page["StackEvents"]):
            if resource["ResourceStatus"] == "DELETE_SKIPPED":
                kind, name = resource["ResourceType"], resource["PhysicalResourceId"]
                if kind != "AWS::S3::BucketPolicy":  # It goes with its bucket.
                    yield Leftover(kind, name, name_of_stack)


def _is_there(client: Clients, leftover: Leftover) -> bool:
    match leftover.resource_type:
        case "AWS::S3::Bucket":
            return leftover.name in {
                each["Name"] for each in client("s3").list_buckets()["Buckets"]
            }
        case "AWS::Logs::LogGroup":
            groups = client("logs").describe_log_groups(logGroupNamePrefix=leftover.name)
            return leftover.name in {each["logGroupName"] for each in groups["logGroups"]}
        case "AWS::KMS::Key":
            key = client("kms").describe_key(KeyId=leftover.name)["KeyMetadata"]
            return bool(key["KeyState"] != "PendingDeletion")
        case "AWS::SageMaker::ModelPackageGroup":
            pages = client("sagemaker").get_paginator("list_model_package_groups").paginate()
            groups = (each for page in pages for each in page["ModelPackageGroupSummaryList"])
            name = leftover.name.rpartition("/")[2]
            return name in {each["ModelPackageGroupName"] for each in groups}
    return True


def remove(client: Clients, leftover: Leftover) -> bool:
    """Remove a leftover; return False for what other projects of the account may use."""
    how = _REMOVALS.get(leftover.resource_type)
    if how is None:
        return False
    how(client, leftover.name)
    return True


def _remove_bucket(client: Clients, name: str) -> None:
    s3 = client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
        if objects:
            answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
            for error in answer.get("Errors", []):
                raise SystemExit(f"{name}/{error['Key']} cannot be deleted: {error['Message']}")
    s3.delete_bucket(Bucket=name)


def _remove_log_group(client: Clients, name: str) -> None:
    client("logs").delete_log_group(logGroupName=name)


def _remove_key(client: Clients, name: str) -> None:
    client("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=_SHORTEST_KEY_WAIT_DAYS)


def _remove_registry(client: Clients, name: str) -> None:
    sagemaker, group = client("sagemaker"), name.rpartition("/")[2]
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    packages = [
        each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]
    ]
    for package in packages:
        sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


# Not API Gateway's role for logs: all APIs of the account log with it.
_REMOVALS: Mapping[str, Callable[[Clients, str], None]] = MappingProxyType(
    {
        "AWS::S3::Bucket": _remove_bucket,
        "AWS::Logs::LogGroup": _remove_log_group,
        "AWS::KMS::Key": _remove_key,
        "AWS::SageMaker::ModelPackageGroup": _remove_registry,
    }
)
