"""What a stack's service role needs: each SageMaker call, or one call for a type of ministack's."""

import uuid

from embedded_aws.cloudformation import stacks as emulator_stacks
from embedded_aws.core.emulator import Json, arn
from embedded_aws.core.rpc import JsonService, ServiceError

_OWN = "AWS::SageMaker::"  # these check every call of theirs with `call`
_UNCHECKED = ("AWS::CDK::Metadata",)

# One call stands for all that CloudFormation does for a type: `Create` and the type's name, but for
_FIRST_CALLS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "application-autoscaling:RegisterScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "application-autoscaling:PutScalingPolicy",
    "AWS::Budgets::Budget": "budgets:ModifyBudget",
    "AWS::CloudFormation::CustomResource": "lambda:InvokeFunction",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::ManagedPolicy": "iam:CreatePolicy",
    "AWS::IAM::Policy": "iam:PutRolePolicy",
    "AWS::IAM::RolePolicy": "iam:PutRolePolicy",
    "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Lambda::Version": "lambda:PublishVersion",
    "AWS::Logs::ResourcePolicy": "logs:PutResourcePolicy",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
    "AWS::SSM::Parameter": "ssm:PutParameter",
    "AWS::WAFv2::WebACLAssociation": "wafv2:AssociateWebACL",
}


def install() -> None:
    """Hold stacks to the permissions of the role that they act as."""
    emulator_stacks.install(first_call)


def first_call(resource_type: str) -> str | None:
    """Return the action that a role must be allowed for a type that ministack makes."""
    if resource_type.startswith(_OWN) or resource_type in _UNCHECKED:
        return None
    if resource_type.startswith("Custom::"):
        return "lambda:InvokeFunction"
    if resource_type.startswith("AWS::ApiGateway::"):
        return "apigateway:POST"
    _, service, kind = resource_type.split("::")
    return _FIRST_CALLS.get(resource_type, f"{service.lower()}:Create{kind}")


def call(service: JsonService, operation: str, request: Json) -> Json:
    """Call a service as the stack's role; raises ServiceError when it may not."""
    check(service, operation, request)
    return service.call(operation, request)


def check_alarms(scaled: str) -> None:
    """Raise ServiceError unless the stack's role may make the alarms that scaling follows."""
    high = arn("cloudwatch", f"alarm:TargetTracking-{scaled}-AlarmHigh-{uuid.uuid4()}")
    if refused := emulator_stacks.refusal("cloudwatch:PutMetricAlarm", high):
        raise ServiceError("AccessDeniedException", refused, 403)


def check(service: JsonService, operation: str, request: Json) -> None:
    """Raise ServiceError unless the stack's role may call `operation`."""
    permissions = list(service.permissions(operation, request))
    if operation.startswith("Create"):
        # CloudFormation marks what it makes with tags of its own.
        permissions.append(permissions[0]._replace(action=f"{service.name}:AddTags", context=None))
    for action, resource, context in permissions:
        if refused := emulator_stacks.refusal(action, resource, context):
            raise ServiceError("AccessDeniedException", refused, 403)
