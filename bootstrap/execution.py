"""The execution policy: what CloudFormation calls for a stage, on that stage's resources."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bootstrap import boundary
from bootstrap.handlers import DATA, is_custom, needed
from bootstrap.stage import Stage, kind_of, literal_beginning
from stacks.accounts import qualifier

Json = dict[str, Any]

_REFERENCE = json.loads((DATA / "AdditionalSpecs" / "Policies.json").read_text())
_ARN = "arn:${AWS::Partition}:"
_PLACE = "${AWS::Region}:${AWS::AccountId}"

# What the stage uses and does not make.
_OTHERS: Mapping[str, list[str]] = {
    "application-autoscaling:scalabletarget": [
        f"{_ARN}application-autoscaling:{_PLACE}:scalable-target/*"
    ],
    # Where the functions' code lies, and the layer that streams.
    "s3:object": [f"{_ARN}s3:::cdk-{{qualifier}}-assets-${{AWS::AccountId}}-${{AWS::Region}}/*"],
    "ec2:security-group-rule": [f"{_ARN}ec2:{_PLACE}:security-group-rule/*"],
    "lambda:layerversion": [f"{_ARN}lambda:${{AWS::Region}}:*:layer:LambdaAdapterLayer*"],
    "wafv2:apigateway": [f"{_ARN}apigateway:${{AWS::Region}}::/restapis/*"],
    "wafv2:managedruleset": [f"{_ARN}wafv2:{_PLACE}:regional/managedruleset/*"],
    "apigateway:stage": [f"{_ARN}apigateway:${{AWS::Region}}::/restapis/*/stages/*"],
}
# The services whose own roles come with the first resource of a type.
_SCALING = "sagemaker.application-autoscaling.amazonaws.com"
_LINKED = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _SCALING,
    "AWS::Lambda::CapacityProvider": "lambda.amazonaws.com",
}

# API Gateway's resources are paths, its actions HTTP's methods. Tags have a path of their own.
_API_PATHS: Mapping[str, tuple[str, ...]] = {
    "Account": ("/account",),
    "ApiKey": ("/apikeys", "/apikeys/*", "/tags/*"),
    "UsagePlan": ("/usageplans", "/usageplans/*", "/tags/*"),
    "UsagePlanKey": ("/usageplans", "/usageplans/*", "/tags/*"),
}
_REST_API_PATHS = ("/restapis", "/restapis/*", "/tags/*")

_PASSED_TO = {
    "AWS::ApiGateway::Account": "apigateway.amazonaws.com",
    "AWS::Lambda::CapacityProvider": "lambda.amazonaws.com",
    "AWS::Lambda::Function": "lambda.amazonaws.com",
    "AWS::SageMaker::EndpointConfig": "sagemaker.amazonaws.com",
    "AWS::SageMaker::Model": "sagemaker.amazonaws.com",
    "AWS::SageMaker::Pipeline": "sagemaker.amazonaws.com",
}
_BOUNDED = ("AttachRolePolicy", "CreateRole", "PutRolePermissionsBoundary", "PutRolePolicy")
_OF_FUNCTIONS = tuple(f"{verb}EventSourceMapping" for verb in ("Create", "Delete", "Update"))


class Call(NamedTuple):
    """One action that a type is deployed with, where, and under which condition."""

    action: str
    resources: tuple[str, ...]
    condition: str  # JSON, so that calls can be grouped by it


def statements(stage: Stage) -> list[Json]:
    """Return the policy's statements, one for all calls on the same resources."""
    grouped: dict[tuple[tuple[str, ...], str, str], set[str]] = defaultdict(set)
    for resource_type in stage.types():
        for action, resources, condition in calls(stage, resource_type):
            grouped[resources, condition, action.partition(":")[0]].add(action)
    # CloudFormation resolves what every template of the CDK asks for, and outputs that other stacks
    # refer to. The stage's own parameters it may read anyway, as their handlers do.
    version = f"{_ARN}ssm:{_PLACE}:parameter/cdk-bootstrap/{qualifier(stage.name.lower())}/version"
    grouped[(version,), "{}", "ssm"].add("ssm:GetParameters")
    if "Fn::GetStackOutput" in str(stage.stacks):
        stacks = tuple(f"{_ARN}cloudformation:{_PLACE}:stack/{name}/*" for name in stage.stacks)
        grouped[stacks, "{}", "cloudformation"].add("cloudformation:DescribeStacks")
    return [
        {
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": list(resources),
            **({"Condition": json.loads(condition)} if condition != "{}" else {}),
        }
        for (resources, condition, _), actions in sorted(grouped.items())
    ]


def calls(stage: Stage, resource_type: str) -> Iterator[Call]:
    """Yield what CloudFormation calls to create, read, update and delete a type's resources."""
    for action in sorted(needed(resource_type, stage.of_type(resource_type))):
        resources = (
            sorted(_service_tokens(stage, resource_type))
            if is_custom(resource_type)
            else _resources(stage, resource_type, action)
        )
        condition = json.dumps(_condition(stage, resource_type, action), sort_keys=True)
        yield Call(action, tuple(resources), condition)


def reference_kinds(action: str) -> list[str]:
    """Return the kinds of resources of an action; raises KeyError for an action that is none."""
    service, name = action.split(":")
    found = _REFERENCE[service]["Actions"][name.lower()].get("Resources", [])
    return [f"{service}:{kind.replace(' ', '').lower()}" for kind in found]


def _resources(stage: Stage, resource_type: str, action: str) -> list[str]:
    service, name = action.split(":")
    if service == "apigateway" and name != "SetWebACL":
        paths = _API_PATHS.get(resource_type.rpartition(":")[2], _REST_API_PATHS)
        return [f"{_ARN}apigateway:${{AWS::Region}}::{path}" for path in paths]
    if name == "CreateServiceLinkedRole":
        linked = _LINKED[resource_type]
        return [f"{_ARN}iam::${{AWS::AccountId}}:role/aws-service-role/{linked}/*"]
    if name == "GetMetricData":
        return ["*"]  # its one kind of resource is a dataset, which alarms of scaling do not ask
    if name == "DescribeModelPackage":
        groups = stage.arns("sagemaker:model-package-group")
        return [arn.replace(":model-package-group/", ":model-package/") for arn in groups]
    if service == "cloudwatch" and resource_type.startswith("AWS::ApplicationAutoScaling::"):
        return [
            f"{_ARN}cloudwatch:{_PLACE}:alarm:TargetTracking-{kind}/*" for kind in _scaled(stage)
        ]
    kinds = reference_kinds(action)
    if "Tag" in name and kind_of(resource_type) in kinds:
        kinds = [str(kind_of(resource_type))]
    own = qualifier(stage.name.lower())
    others = [arn for kind in kinds for arn in _OTHERS.get(kind, ())]
    found = {arn.replace("{qualifier}", own) for arn in others}
    found |= {arn for kind in kinds for arn in stage.arns(kind)}
    if kinds and not found:
        raise ValueError(f"bootstrap/stage.py must say what ARNs {', '.join(kinds)} have: {action}")
    return sorted(found) or ["*"]


def _scaled(stage: Stage) -> list[str]:
    """Return what is scaled, `endpoint` or `inference-component`: the alarms are named after it."""
    targets = stage.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    names = (literal_beginning(target["ResourceId"]) for target in targets)
    return sorted({name.partition("/")[0] for name in names})


def _service_tokens(stage: Stage, resource_type: str) -> Iterator[str]:
    """Yield a pattern of the ARN of each function behind custom resources of a type.

    Unverified: that a function's name begins with at least 20 characters of its logical id: look at
    the first names.
    """
    for stack, _, resource in stage.resources():
        if resource["Type"] == resource_type:
            function = resource["Properties"]["ServiceToken"]["Fn::GetAtt"][0]
            yield f"{_ARN}lambda:{_PLACE}:function:{stack}-{function[:20]}*"


def _condition(stage: Stage, resource_type: str, action: str) -> Json:
    service, name = action.split(":")
    if name == "PassRole":
        return {"StringEquals": {"iam:PassedToService": _PASSED_TO[resource_type]}}
    if name == "CreateServiceLinkedRole":
        return {"StringEquals": {"iam:AWSServiceName": _LINKED[resource_type]}}
    if service == "iam" and name in _BOUNDED:
        return {"StringEquals": {"iam:PermissionsBoundary": boundary.arn(stage)}}
    if name in _OF_FUNCTIONS:
        return {"ArnLike": {"lambda:FunctionArn": stage.arns("lambda:function")}}
    if name == "CreateGrant":
        return {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return {}
