"""Tags of scalable targets, found by their ARN, and what IAM must allow for them."""

from collections.abc import Iterator

from embedded_aws.autoscaling.resources import target_arn
from embedded_aws.core.emulator import Json
from embedded_aws.core.rpc import Operation, Permission, ServiceError
from embedded_aws.sagemaker.hosting.scalable import targets


def _target(arn: str) -> Json:
    for target in targets.values():
        if target["ScalableTargetARN"] == arn:
            found: Json = target
            return found
    raise ServiceError("ResourceNotFoundException", f"no scalable target {arn}")


def tag_resource(request: Json) -> Json:
    """TagResource."""
    target = _target(request["ResourceARN"])
    target["Tags"] = {**target.get("Tags", {}), **request["Tags"]}
    return {}


def untag_resource(request: Json) -> Json:
    """UntagResource."""
    target = _target(request["ResourceARN"])
    tags = target.get("Tags", {}).items()
    target["Tags"] = {key: value for key, value in tags if key not in request["TagKeys"]}
    return {}


def list_tags_for_resource(request: Json) -> Json:
    """ListTagsForResource."""
    return {"Tags": _target(request["ResourceARN"]).get("Tags", {})}


def required(operation: str, request: Json) -> Iterator[Permission]:
    """Yield what IAM must allow for tags; whoever registers a target with tags must tag, too."""
    if operation in OPERATIONS:
        yield Permission(f"application-autoscaling:{operation}", request["ResourceARN"])
    elif request.get("Tags"):
        yield Permission("application-autoscaling:TagResource", target_arn(request))


OPERATIONS: dict[str, Operation] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
