"""Each call that CloudFormation makes for a stage, on the ARNs that its resources will have."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bootstrap import execution, handlers
from bootstrap.stage import Stage

ACCOUNT, REGION = "111111111111", "eu-west-1"
PLACE = f"{REGION}:{ACCOUNT}"

# What CloudFormation or a service calls one resource: the ARN as it is once there is one.
_GENERATED = {
    "cloudwatch:alarm": f"arn:aws:cloudwatch:{PLACE}:alarm:{{stack}}-{{id}}-8A7B6C5D4E3F",
    "ec2:security-group": f"arn:aws:ec2:{PLACE}:security-group/sg-8a7b6c5d4e3f",
    "ec2:subnet": f"arn:aws:ec2:{PLACE}:subnet/subnet-8a7b6c5d4e3f",
    "ec2:vpc": f"arn:aws:ec2:{PLACE}:vpc/vpc-8a7b6c5d4e3f",
    "ec2:vpc-endpoint": f"arn:aws:ec2:{PLACE}:vpc-endpoint/vpce-8a7b6c5d4e3f",
    "events:rule-on-default-event-bus": f"arn:aws:events:{PLACE}:rule/{{stack}}-{{id}}-8A7B6C",
    "iam:policy": f"arn:aws:iam::{ACCOUNT}:policy/{{stack}}-{{id}}-8A7B6C5D4E3F",
    "iam:role": f"arn:aws:iam::{ACCOUNT}:role/{{stack}}-{{id}}-8A7B6C5D4E3F",
    "kms:key": f"arn:aws:kms:{PLACE}:key/1f8d2c3e-0000-4444-8888-123456789abc",
    "lambda:capacityprovider": f"arn:aws:lambda:{PLACE}:capacity-provider:{{stack}}-{{id}}-8A7B6C",
    "lambda:eventsourcemapping": f"arn:aws:lambda:{PLACE}:event-source-mapping:1f8d2c3e-0000",
    "lambda:function": f"arn:aws:lambda:{PLACE}:function:{{stack}}-{{id}}-8a7b6c5d4e3f",
    "lambda:functionalias": f"arn:aws:lambda:{PLACE}:function:{{stack}}-{{id}}-8a7b6c5d4e3f:live",
    "lambda:functionversion": f"arn:aws:lambda:{PLACE}:function:{{stack}}-{{id}}-8a7b6c5d4e3f:7",
    "logs:log-group": f"arn:aws:logs:{PLACE}:log-group:{{name}}",
    "s3:bucket": "arn:aws:s3:::{lower_stack}-{lower_id}-8a7b6c5d4e3f",
    "ssm:parameter": f"arn:aws:ssm:{PLACE}:parameter{{name}}",
    "sqs:queue": f"arn:aws:sqs:{PLACE}:{{stack}}-{{id}}-8A7B6C5D4E3F",
    "sagemaker:endpoint": f"arn:aws:sagemaker:{PLACE}:endpoint/{{name}}",
    "sagemaker:endpoint-config": f"arn:aws:sagemaker:{PLACE}:endpoint-config/{{lower_id}}-8a7b6c",
    "sagemaker:inference-component": (
        f"arn:aws:sagemaker:{PLACE}:inference-component/{{name}}-mistral"
    ),
    "sagemaker:model": f"arn:aws:sagemaker:{PLACE}:model/{{lower_id}}-8a7b6c5d4e3f",
    "sagemaker:model-package-group": (
        f"arn:aws:sagemaker:{PLACE}:model-package-group/{{lower_stack}}-1f8d2c3e-mistral"
    ),
    "sagemaker:pipeline": f"arn:aws:sagemaker:{PLACE}:pipeline/{{lower_stack}}-fine-tune",
    "wafv2:webacl": f"arn:aws:wafv2:{PLACE}:regional/webacl/{{id}}-8A7B6C/1f8d2c3e-0000",
}
_GIVEN = {
    "application-autoscaling:scalabletarget": (
        f"arn:aws:application-autoscaling:{PLACE}:scalable-target/0ec5a1b2c3"
    ),
    "apigateway:stage": f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3d4e5/stages/api",
    "ec2:security-group-rule": f"arn:aws:ec2:{PLACE}:security-group-rule/sgr-8a7b6c5d4e3f",
    "lambda:layerversion": (
        f"arn:aws:lambda:{REGION}:753240598075:layer:LambdaAdapterLayerArm64:30"
    ),
    "s3:object": f"arn:aws:s3:::cdk-llm{{name}}-assets-{ACCOUNT}-{REGION}/{'0' * 64}.zip",
    "sagemaker:model-package": f"arn:aws:sagemaker:{PLACE}:model-package/{{stack}}-1f8d-mistral/3",
    "wafv2:apigateway": f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3d4e5/stages/api",
    "wafv2:managedruleset": (
        f"arn:aws:wafv2:{PLACE}:regional/managedruleset/AWS/AWSManagedRulesCommonRuleSet"
    ),
}
_TAGS = "/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2Fa1b2c3d4e5"
_API_PATHS = {
    "AWS::ApiGateway::Account": ("/account",),
    "AWS::ApiGateway::ApiKey": ("/apikeys", "/apikeys/a1b2c3", _TAGS),
    "AWS::ApiGateway::UsagePlan": ("/usageplans", "/usageplans/a1b2c3", _TAGS),
    "AWS::ApiGateway::UsagePlanKey": ("/usageplans/a1b2c3/keys/d4e5f6",),
    "AWS::ApiGateway::RestApi": ("/restapis", "/restapis/a1b2c3d4e5", _TAGS),
}
_TRACKED = {
    "sagemaker:variant:DesiredInstanceCount": "endpoint/llm/variant/AllTraffic",
    "sagemaker:inference-component:DesiredCopyCount": "inference-component/mistral-llm",
}
# The services whose own roles come with the first resource of a type.
_SCALING = "sagemaker.application-autoscaling.amazonaws.com"
_LINKED = {
    "AWS::ApplicationAutoScaling::ScalableTarget": _SCALING,
    "AWS::Lambda::CapacityProvider": "lambda.amazonaws.com",
}


class Call(NamedTuple):
    """One call of CloudFormation's, and why it is made."""

    type: str
    action: str
    resource: str
    context: dict[str, str]


def calls(stage: Stage) -> Iterator[Call]:
    """Yield each call that any handler of a resource of the stage makes, on what it makes it."""
    for resource_type in stage.types():
        used = [
            r.get("Properties", {}) for _, _, r in stage.resources() if r["Type"] == resource_type
        ]
        for action in handlers.needed(resource_type, used):
            for resource in _resources(stage, resource_type, action):
                yield Call(resource_type, action, resource, _context(stage, resource_type))


def _resources(stage: Stage, resource_type: str, action: str) -> list[str]:
    service, name = action.split(":")
    if handlers.is_custom(resource_type):
        return list(_service_tokens(stage, resource_type))
    if service == "apigateway" and name != "SetWebACL":
        paths = _API_PATHS.get(resource_type, ("/restapis/a1b2c3d4e5/resources/f6/methods/GET",))
        return [f"arn:aws:apigateway:{REGION}::{path}" for path in paths]
    if name == "CreateServiceLinkedRole":
        linked = _LINKED[resource_type]
        return [f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{linked}/AWSServiceRole"]
    if service == "cloudwatch" and resource_type.startswith("AWS::ApplicationAutoScaling"):
        return ["*"] if name == "GetMetricData" else _alarms(stage)
    kinds = execution.reference_kinds(action)
    own = [arn for kind, arn in _physical(stage, resource_type) if kind in kinds]
    foreign = [
        arn
        for other in stage.types()
        for kind, arn in _physical(stage, other)
        if kind in kinds and "Tag" not in name
    ]
    given = [
        _GIVEN[kind].format(name=stage.name.lower(), stack=f"{stage.name.lower()}-training")
        for kind in kinds
        if kind in _GIVEN and not (own and "Tag" in name)
    ]
    if name != "DescribeModelPackage":
        given = [arn for arn in given if ":model-package/" not in arn]
    assert own or foreign or given or not kinds, f"no ARN is known for {action}"
    return sorted({*own, *foreign, *given}) or ["*"]


def _alarms(stage: Stage) -> list[str]:
    """Return those of target tracking, which it names after what it scales."""
    targets = stage.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    tracked = {_TRACKED[target["ScalableDimension"]] for target in targets}
    return [
        f"arn:aws:cloudwatch:{PLACE}:alarm:TargetTracking-{each}-AlarmHigh-1" for each in tracked
    ]


def _service_tokens(stage: Stage, resource_type: str) -> Iterator[str]:
    for stack, _, resource in stage.resources():
        if resource["Type"] == resource_type:
            function = resource["Properties"]["ServiceToken"]["Fn::GetAtt"][0]
            yield _GENERATED["lambda:function"].format(stack=stack, id=function)


def _physical(stage: Stage, resource_type: str) -> Iterator[tuple[str, str]]:
    kinds = {
        "AWS::CloudWatch::Alarm": "cloudwatch:alarm",
        "AWS::Events::Rule": "events:rule-on-default-event-bus",
        "AWS::EC2::VPC": "ec2:vpc",
        "AWS::EC2::VPCEndpoint": "ec2:vpc-endpoint",
        "AWS::IAM::ManagedPolicy": "iam:policy",
        "AWS::Lambda::Alias": "lambda:functionalias",
        "AWS::Lambda::CapacityProvider": "lambda:capacityprovider",
        "AWS::Lambda::EventSourceMapping": "lambda:eventsourcemapping",
        "AWS::Lambda::Version": "lambda:functionversion",
        "AWS::Logs::LogGroup": "logs:log-group",
        "AWS::WAFv2::WebACL": "wafv2:webacl",
    }
    service, name = resource_type.split("::")[-2:]
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
    kind = kinds.get(resource_type, f"{service.lower()}:{dashed}")
    for stack, logical_id, resource in stage.resources():
        # An inline policy is no resource of its own, whatever its type is called.
        if resource["Type"] == resource_type != "AWS::IAM::Policy" and kind in _GENERATED:
            yield (
                kind,
                _GENERATED[kind].format(
                    stack=stack,
                    id=logical_id,
                    lower_stack=stack.lower(),
                    lower_id=logical_id.lower(),
                    name=_given(resource["Properties"]) or f"{stack}-{logical_id}-8A7B6C5D4E3F",
                ),
            )


def _given(properties: Mapping[str, Any]) -> str:
    """Return the name that the template gives, or begins, if it does."""
    for name in ("InferenceComponentName", "EndpointName", "LogGroupName", "Name"):
        match properties.get(name):
            case str() as whole:
                return whole
            case {"Fn::Join": [_, [beginning, *_]]}:
                return f"{beginning}1f8d2c3e"
    return ""


def _context(stage: Stage, resource_type: str) -> dict[str, str]:
    service = resource_type.split("::")[1].lower()
    return {
        "iam:passedtoservice": f"{service}.amazonaws.com",
        "iam:permissionsboundary": f"arn:aws:iam::{ACCOUNT}:policy/{stage.name}Boundary",
        "iam:awsservicename": _LINKED.get(resource_type, ""),
        "lambda:functionarn": f"arn:aws:lambda:{PLACE}:function:{stage.name}-Training-F-8a7b",
        "kms:grantisforawsresource": "true",
    }
