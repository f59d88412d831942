"""Tags of a stack's resources that ministack lacks: its own reach them, and change in place.

By the types' schemas a change of tags replaces none of them.
"""

from collections.abc import Iterable
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from embedded_aws.autoscaling import service as autoscaling
from embedded_aws.autoscaling.resources import TARGET, target_arn
from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import JsonService
from embedded_aws.sagemaker import service as sagemaker
from embedded_aws.sagemaker.cloudformation import permissions
from embedded_aws.sagemaker.names import resource_arn

# Whether CloudFormation also gives them the tags `aws:cloudformation:...`, by their schemas.
_SCALABLE_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_TAGGED = {
    _SCALABLE_TARGET: False,
    "AWS::SageMaker::Endpoint": False,
    "AWS::SageMaker::EndpointConfig": False,
    "AWS::SageMaker::InferenceComponent": False,
    "AWS::SageMaker::Model": True,
    "AWS::SageMaker::ModelPackageGroup": True,
    "AWS::SageMaker::Pipeline": True,
}
_SYSTEM = "aws:cloudformation:"

# A service, and what it is asked, by the operation.
_Requests = tuple[JsonService, dict[str, Json]]


def install() -> None:
    """Hand the types the tags of their stack."""
    provisioners._STACK_TAG_PROPERTY.update(dict.fromkeys(_TAGGED, ("Tags", "list")))
    provision, update = stacks._provision_resource, stacks._update_resource

    def provision_tagged(type_: str, logical_id: str, props: Json, *rest: Any) -> Any:
        return provision(type_, logical_id, _own(type_, props), *rest)

    def update_tagged(type_: str, physical_id: str, old: Json, new: Json, *rest: Any) -> Any:
        old, new = _own(type_, old), _own(type_, new)
        if type_ not in _TAGGED or old == new:
            return update(type_, physical_id, old, new, *rest)
        _stack, _logical_id, attributes = rest
        found = physical_id, attributes
        if _untagged(old) != _untagged(new):
            found = update(type_, physical_id, old, new, *rest)
        if found[0] == physical_id:  # Else it was made anew, with its tags.
            _retag(type_, physical_id, old.get("Tags", []), new.get("Tags", []))
        return found

    stacks._provision_resource = provision_tagged
    stacks._update_resource = update_tagged


def _own(type_: str, props: Json) -> Json:
    """Return the properties without the tags of CloudFormation's that a type does not get."""
    if _TAGGED.get(type_, True) or "Tags" not in props:
        return props
    return {**props, "Tags": [t for t in props["Tags"] if not t["Key"].startswith(_SYSTEM)]}


def _untagged(props: Json) -> Json:
    return {name: value for name, value in props.items() if name != "Tags"}


def as_map(tags: Iterable[Json]) -> dict[str, str]:
    """Return a type's tags as services take them that know a tag by its key."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def _retag(type_: str, physical_id: str, old: list[Json], new: list[Json]) -> None:
    added = [tag for tag in new if tag not in old]
    removed = sorted(as_map(old).keys() - as_map(new).keys())
    of = _scalable_target if type_ == _SCALABLE_TARGET else _of_sagemaker
    service, requests = of(physical_id, added, removed)
    calls = [(name, request) for name, request in requests.items() if all(request.values())]
    for name, request in calls:  # All of it or nothing.
        permissions.check(service, name, request)
    for name, request in calls:
        service.call(name, request)


def _of_sagemaker(physical_id: str, added: list[Json], removed: list[str]) -> _Requests:
    arn = resource_arn("pipeline", physical_id)  # A pipeline's is its name, the others' their ARN.
    return sagemaker.service, {
        "AddTags": {"ResourceArn": arn, "Tags": added},
        "DeleteTags": {"ResourceArn": arn, "TagKeys": removed},
    }


def _scalable_target(physical_id: str, added: list[Json], removed: list[str]) -> _Requests:
    arn = target_arn(dict(zip(TARGET, physical_id.split("|"), strict=True)))
    return autoscaling.service, {
        "TagResource": {"ResourceARN": arn, "Tags": as_map(added)},
        "UntagResource": {"ResourceARN": arn, "TagKeys": removed},
    }
