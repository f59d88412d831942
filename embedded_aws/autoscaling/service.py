"""Application Auto Scaling's API: targets, their policies, and what `tracking` has done by them."""

from embedded_aws.autoscaling import activities, resources, schedules, tags
from embedded_aws.autoscaling.resources import TARGET, target_arn, target_id
from embedded_aws.cloudwatch import series
from embedded_aws.cloudwatch.expressions import ExpressionError
from embedded_aws.core.emulator import Json, ScopedStore, arn, region
from embedded_aws.core.rpc import JsonService, invalid, now
from embedded_aws.sagemaker.hosting.scalable import policies, scheduled, targets

STORES = {
    "targets": targets,
    "policies": policies,
    "scheduled": scheduled,
    "activities": activities.activities,
}


def register_scalable_target(request: Json) -> Json:
    """RegisterScalableTarget, for variants of SageMaker endpoints and for base components."""
    resources.of(request)
    key, found = target_id(request), target_arn(request)
    if key in targets and "Tags" in request:
        raise invalid(f"Tags are for a new scalable target: change those of {found} by TagResource")
    registered = {**targets.get(key, {"CreationTime": now()}), **request}
    if not {"MinCapacity", "MaxCapacity"} <= registered.keys():
        raise invalid("MinCapacity and MaxCapacity are required for a new scalable target")
    if registered["MinCapacity"] > registered["MaxCapacity"]:
        raise invalid("MinCapacity must not exceed MaxCapacity")
    role_arn = arn("iam", "role/aws-service-role").replace(region(), "")
    targets[key] = {"RoleARN": role_arn, **registered, "ScalableTargetARN": found}
    return {"ScalableTargetARN": found}


def deregister_scalable_target(request: Json) -> Json:
    """DeregisterScalableTarget; its policies and scheduled actions go with it."""
    key = target_id(request)
    if targets.pop(key, None) is None:
        raise invalid(f"no scalable target {key}")
    for store in (policies, scheduled):
        for of_target in [each for each in store if each.startswith(f"{key}|")]:
            del store[of_target]
    return {}


def describe_scalable_targets(request: Json) -> Json:
    """DescribeScalableTargets."""
    found = _selected(targets, request, ResourceId=request.get("ResourceIds"))
    shown = [{k: v for k, v in target.items() if k != "Tags"} for target in found]
    return {"ScalableTargets": shown}


def put_scaling_policy(request: Json) -> Json:
    """PutScalingPolicy."""
    key = target_id(request)
    if key not in targets:
        raise invalid(f"no scalable target {key}: register it before its policies")
    configuration = request.get("TargetTrackingScalingPolicyConfiguration", {})
    _check_metric(configuration, resources.of(request).metric)
    policy_key = f"{key}|{request['PolicyName']}"
    policy_arn = arn("autoscaling", f"scalingPolicy:{policy_key}")
    policies[policy_key] = {**request, "PolicyARN": policy_arn, "CreationTime": now()}
    return {"PolicyARN": policy_arn, "Alarms": []}


def _check_metric(tracking_configuration: Json, followed: str) -> None:
    """Raise ServiceError for a metric that is not followed."""
    custom = tracking_configuration.get("CustomizedMetricSpecification")
    if custom is None:
        given = tracking_configuration.get("PredefinedMetricSpecification", {})
        if (metric := given.get("PredefinedMetricType")) != followed:
            raise invalid(f"the embedded AWS tracks {followed} only, got {metric}")
        return
    if "Metrics" not in custom:
        raise invalid("the embedded AWS tracks a customized metric by its Metrics only")
    try:
        series.check(custom["Metrics"])
    except ExpressionError as error:
        raise invalid(str(error)) from None


def delete_scaling_policy(request: Json) -> Json:
    """DeleteScalingPolicy."""
    if policies.pop(f"{target_id(request)}|{request['PolicyName']}", None) is None:
        raise invalid(f"no scaling policy {request['PolicyName']}")
    return {}


def describe_scaling_policies(request: Json) -> Json:
    """DescribeScalingPolicies."""
    found = _selected(policies, request, PolicyName=request.get("PolicyNames"))
    return {"ScalingPolicies": found}


def put_scheduled_action(request: Json) -> Json:
    """PutScheduledAction."""
    return schedules.put(target_id(request), request)


def delete_scheduled_action(request: Json) -> Json:
    """DeleteScheduledAction."""
    return schedules.delete(target_id(request), request)


def describe_scheduled_actions(request: Json) -> Json:
    """DescribeScheduledActions."""
    names = request.get("ScheduledActionNames")
    return {"ScheduledActions": _selected(scheduled, request, ScheduledActionName=names)}


def describe_scaling_activities(request: Json) -> Json:
    """DescribeScalingActivities."""
    _check_one_page(request)
    return {"ScalingActivities": activities.newest_first(request)}


def _selected(store: ScopedStore, request: Json, **one_of: list[str] | None) -> list[Json]:
    """Return the records that the request asks for, on one page: a laptop has a handful."""
    _check_one_page(request)
    exact = {k: [request[k]] for k in TARGET if k in request}
    wanted = exact | {k: values for k, values in one_of.items() if values is not None}
    return [r for r in store.values() if all(r[k] in values for k, values in wanted.items())]


def _check_one_page(request: Json) -> None:
    if request.keys() & {"MaxResults", "NextToken"}:
        raise invalid("the embedded AWS returns one page: omit MaxResults and NextToken")


service = JsonService(
    "application-autoscaling",
    {
        "RegisterScalableTarget": register_scalable_target,
        "DeregisterScalableTarget": deregister_scalable_target,
        "DescribeScalableTargets": describe_scalable_targets,
        "PutScalingPolicy": put_scaling_policy,
        "DeleteScalingPolicy": delete_scaling_policy,
        "DescribeScalingPolicies": describe_scaling_policies,
        "PutScheduledAction": put_scheduled_action,
        "DeleteScheduledAction": delete_scheduled_action,
        "DescribeScheduledActions": describe_scheduled_actions,
        "DescribeScalingActivities": describe_scaling_activities,
        **tags.OPERATIONS,
    },
    tags.required,
)
