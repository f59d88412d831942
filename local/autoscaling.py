"""Application Auto Scaling: keeps targets and policies, and never acts on them.

A laptop has one instance of everything: there is nothing to scale, and no activity is reported.
"""

from local import sagemaker
from local.emulator import Json, ScopedStore, arn, region
from local.rpc import JsonService, invalid, now

targets, policies = ScopedStore(), ScopedStore()
STORES = {"targets": targets, "policies": policies}

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def _target_id(request: Json) -> str:
    return "|".join(request[k] for k in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


def register_scalable_target(request: Json) -> Json:
    """RegisterScalableTarget, for the variants of SageMaker endpoints."""
    kind, _, rest = request["ResourceId"].partition("/")
    if request["ScalableDimension"] != _DIMENSION or kind != "endpoint":
        raise invalid(f"the embedded AWS scales {_DIMENSION} only, got {request}")
    if rest.partition("/")[0] not in sagemaker.endpoints:
        raise invalid(f"no such resource: {request['ResourceId']}")
    if request["MinCapacity"] > request["MaxCapacity"]:
        raise invalid("MinCapacity must not exceed MaxCapacity")
    key = _target_id(request)
    target_arn = arn("application-autoscaling", f"scalable-target/{abs(hash(key)):x}")
    role_arn = arn("iam", "role/aws-service-role").replace(region(), "")
    targets[key] = {
        "RoleARN": role_arn,
        "CreationTime": now(),
        **request,
        "ScalableTargetARN": target_arn,
    }
    return {"ScalableTargetARN": target_arn}


def deregister_scalable_target(request: Json) -> Json:
    """DeregisterScalableTarget; its policies go with it."""
    key = _target_id(request)
    if targets.pop(key, None) is None:
        raise invalid(f"no scalable target {key}")
    for policy_key in [p for p in policies if p.startswith(f"{key}|")]:
        del policies[policy_key]
    return {}


def describe_scalable_targets(request: Json) -> Json:
    """DescribeScalableTargets."""
    return {"ScalableTargets": _selected(targets, request, request.get("ResourceIds"))}


def put_scaling_policy(request: Json) -> Json:
    """PutScalingPolicy."""
    key = _target_id(request)
    if key not in targets:
        raise invalid(f"no scalable target {key}: register it before its policies")
    policy_key = f"{key}|{request['PolicyName']}"
    policy_arn = arn("autoscaling", f"scalingPolicy:{policy_key}")
    policies[policy_key] = {**request, "PolicyARN": policy_arn, "CreationTime": now()}
    return {"PolicyARN": policy_arn, "Alarms": []}


def delete_scaling_policy(request: Json) -> Json:
    """DeleteScalingPolicy."""
    if policies.pop(f"{_target_id(request)}|{request['PolicyName']}", None) is None:
        raise invalid(f"no scaling policy {request['PolicyName']}")
    return {}


def describe_scaling_policies(request: Json) -> Json:
    """DescribeScalingPolicies."""
    only = [request["ResourceId"]] if "ResourceId" in request else None
    return {"ScalingPolicies": _selected(policies, request, only)}


def describe_scaling_activities(_request: Json) -> Json:
    """DescribeScalingActivities: none ever."""
    return {"ScalingActivities": []}


def _selected(store: ScopedStore, request: Json, resource_ids: list[str] | None) -> list[Json]:
    return [
        record
        for record in store.values()
        if record["ServiceNamespace"] == request["ServiceNamespace"]
        and (resource_ids is None or record["ResourceId"] in resource_ids)
    ]


service = JsonService(
    "application-autoscaling",
    {
        "RegisterScalableTarget": register_scalable_target,
        "DeregisterScalableTarget": deregister_scalable_target,
        "DescribeScalableTargets": describe_scalable_targets,
        "PutScalingPolicy": put_scaling_policy,
        "DeleteScalingPolicy": delete_scaling_policy,
        "DescribeScalingPolicies": describe_scaling_policies,
        "DescribeScalingActivities": describe_scaling_activities,
    },
)
