"""What CloudFormation calls for a resource type, by its schema, which cfn-lint ships."""

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_CFN_LINT = find_spec("cfnlint")  # Its files only: the package takes seconds to import.
if _CFN_LINT is None or _CFN_LINT.origin is None:
    raise ImportError("cfn-lint, which has the schemas, must be installed: run `make setup`")
DATA = Path(_CFN_LINT.origin).parent / "data"
_SCHEMAS = DATA / "schemas"
_HANDLERS = ("create", "read", "update", "delete")

# A schema lists what any property may need: these are needed for the property only. What a type
# reads of its own service stays, as CloudFormation reads all that there is of a resource.
_ONLY_FOR: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "AWS::ApiGateway::Authorizer": {"AuthorizerCredentials": ("iam:PassRole",)},
    "AWS::ApiGateway::Method": {"Integration.Credentials": ("iam:PassRole",)},
    "AWS::ApiGateway::RestApi": {
        "BodyS3Location": ("s3:GetObject",),
        "Body": ("iam:PassRole",),
        "Policy": ("apigateway:UpdateRestApiPolicy",),
    },
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "RoleARN": ("iam:PassRole",),
        "ScheduledActions": ("*:PutScheduledAction", "*:DeleteScheduledAction"),
    },
    "AWS::EC2::Subnet": {"Ipv6CidrBlock": ("ec2:*SubnetCidrBlock",)},
    "AWS::EC2::VPC": {
        "InstanceTenancy": ("ec2:ModifyVpcTenancy",),
        "VpcEncryptionControl": ("ec2:CreateVpcEncryptionControl",),
    },
    "AWS::Events::Rule": {"RoleArn": ("iam:PassRole",)},
    "AWS::IAM::Policy": {"Users": ("iam:*UserPolicy",), "Groups": ("iam:*GroupPolicy",)},
    "AWS::IAM::ManagedPolicy": {
        "Users": ("iam:*UserPolicy",),
        "Groups": ("iam:*GroupPolicy",),
        "Roles": ("iam:*RolePolicy",),
    },
    "AWS::KMS::Key": {"Enabled": ("kms:DisableKey", "kms:EnableKey")},
    "AWS::Lambda::Alias": {
        "ProvisionedConcurrencyConfig": (
            "lambda:PutProvisionedConcurrencyConfig",
            "lambda:DeleteProvisionedConcurrencyConfig",
        )
    },
    "AWS::Lambda::CapacityProvider": {"KmsKeyArn": ("kms:*",)},
    "AWS::Lambda::EventSourceMapping": {"KmsKeyArn": ("kms:*",)},
    "AWS::Lambda::Function": {
        "VpcConfig": ("ec2:*",),
        "FileSystemConfigs": ("elasticfilesystem:*", "s3files:*"),
        "KmsKeyArn": ("kms:*",),
        "CodeSigningConfigArn": ("lambda:*CodeSigningConfig",),
        "CapacityProviderConfig": ("lambda:PassCapacityProvider",),
        "FunctionScalingConfig": ("lambda:PutFunctionScalingConfig",),
        "PublishToLatestPublished": ("lambda:PublishVersion",),
        "RecursiveLoop": ("lambda:PutFunctionRecursionConfig",),
        "RuntimeManagementConfig": ("lambda:*RuntimeManagementConfig", "*:AssociateRuntimeAlias"),
    },
    "AWS::Lambda::Version": {
        "FunctionScalingConfig": ("lambda:PutFunctionScalingConfig",),
        "ProvisionedConcurrencyConfig": ("lambda:PutProvisionedConcurrencyConfig",),
        "RuntimePolicy": ("lambda:PutRuntimeManagementConfig",),
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": ("logs:PutBearerTokenAuthentication",),
        "DataProtectionPolicy": (
            "logs:*DataProtectionPolicy",
            "*:CreateLogDelivery",
            "s3:*",
            "firehose:*",
        ),
        "DeletionProtectionEnabled": ("logs:PutLogGroupDeletionProtection",),
        "FieldIndexPolicies": ("logs:PutIndexPolicy", "logs:DeleteIndexPolicy"),
        "KmsKeyId": ("logs:*ssociateKmsKey",),
        "ResourcePolicyDocument": ("logs:*ResourcePolicy", "logs:DescribeResourcePolicies"),
    },
    "AWS::S3::Bucket": {
        "AbacStatus": ("s3:PutBucketAbac",),
        "AccelerateConfiguration": ("s3:PutAccelerateConfiguration",),
        "AccessControl": ("s3:PutBucketAcl",),
        "AnalyticsConfigurations": ("s3:*tAnalyticsConfiguration", "s3:*eBucketAnalytics*"),
        "CorsConfiguration": ("s3:PutBucketCORS", "s3:DeleteBucketCors"),
        "IntelligentTieringConfigurations": ("s3:PutIntelligentTieringConfiguration",),
        "InventoryConfigurations": ("s3:PutInventoryConfiguration",),
        "LoggingConfiguration": ("s3:PutBucketLogging", "s3:PutObjectAcl", "s3:GetBucketAcl"),
        "MetadataConfiguration": ("s3tables:*", "s3:*eBucketMetadata*Table*"),
        "MetricsConfigurations": ("s3:PutMetricsConfiguration", "s3:DeleteBucketMetrics*"),
        "NotificationConfiguration": ("s3:PutBucketNotification",),
        "ObjectLockConfiguration": ("s3:Put*ObjectLockConfiguration",),
        "ReplicationConfiguration": (
            "s3:Put*Replication*",
            "s3:DeleteBucketReplication",
            "iam:PassRole",
        ),
        "WebsiteConfiguration": ("s3:PutBucketWebsite", "s3:DeleteBucketWebsite"),
    },
    "AWS::SageMaker::EndpointConfig": {
        "ExecutionRoleArn": ("iam:PassRole",),
        "KmsKeyId": ("kms:*",),
    },
    "AWS::SageMaker::ModelPackageGroup": {
        "ModelPackageGroupPolicy": ("*:*teModelPackageGroupPolicy", "*:PutModelPackageGroupPolicy")
    },
    "AWS::SageMaker::Pipeline": {
        "PipelineDefinition.PipelineDefinitionS3Location": ("s3:GetObject",)
    },
}

# Whatever the properties are: `delete` never empties a bucket, no boundary is ever taken away (that
# is what it is for), and scaling and the firewall serve other kinds of targets too.
_NEVER: Mapping[str, tuple[str, ...]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("lambda:*",),
    "AWS::EC2::VPCEndpoint": ("vpc-lattice:*", "vpce:*"),
    "AWS::Events::Rule": ("iam:PassRole",),
    "AWS::IAM::Role": ("iam:DeleteRolePermissionsBoundary",),
    "AWS::Lambda::Alias": ("codedeploy:*",),
    # IAM has no such actions as the last two: the actions that put them allow deleting them.
    "AWS::S3::Bucket": ("s3:DeleteObject", "s3:DeleteBucketEncryption", "s3:DeleteBucketLifecycle"),
    "AWS::WAFv2::WebACL": ("payments:*",),
    "AWS::WAFv2::WebACLAssociation": (
        *("amplify:*", "apprunner:*", "appsync:*", "bedrock-agentcore:*", "cognito-idp:*", "ec2:*"),
        *("elasticloadbalancing:*", "wafv2:*PermissionPolicy"),
    ),
}

# What a service asks of its caller beyond the schema. The first of each resource.
_BEYOND: Mapping[str, tuple[str, ...]] = {
    # Application Auto Scaling changes a variant as its caller, when a target is registered.
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
    ),
    # SageMaker makes a grant on the volumes' key as whoever starts an endpoint of a configuration.
    "AWS::SageMaker::EndpointConfig": ("kms:CreateGrant",),
    # It reads a model package as the caller that creates a model of it.
    "AWS::SageMaker::Model": ("sagemaker:DescribeModelPackage",),
}


def is_custom(resource_type: str) -> bool:
    """Return whether a function of the stage is all that CloudFormation calls for a type."""
    return resource_type.startswith("Custom::")


@cache
def schema_of(resource_type: str) -> Mapping[str, Any]:
    """Return CloudFormation's schema of a type; the newest region has every type.

    Of a custom type its function alone knows more than its name.
    """
    if is_custom(resource_type):
        return {}
    files = json.loads((_SCHEMAS / "providers" / "us-east-1.json").read_text())
    if resource_type not in files:
        raise ValueError(f"resource type must be one that CloudFormation has, got {resource_type}")
    found: dict[str, Any] = json.loads(
        (_SCHEMAS / "resources" / f"{files[resource_type]}.json").read_text()
    )
    return found


@cache
def _handlers(resource_type: str) -> Mapping[str, frozenset[str]]:
    """Return the actions of each handler."""
    found = schema_of(resource_type)["handlers"].items()
    return {name: frozenset(each["permissions"]) for name, each in found if name in _HANDLERS}


def _permissions(resource_type: str) -> frozenset[str]:
    return frozenset().union(*_handlers(resource_type).values())


def _own_reads(resource_type: str) -> Iterator[str]:
    own = resource_type.split("::")[1].lower()
    for action in _handlers(resource_type).get("read", ()):
        service, verb = action.split(":")
        if service == own and verb.startswith(("Describe", "Get", "List")):
            yield action


def needed(resource_type: str, used: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the actions that resources of a type, with these properties, are deployed with."""
    if is_custom(resource_type):
        return frozenset({"lambda:InvokeFunction"})
    properties = list(used)
    spared = [
        pattern
        for path, patterns in _ONLY_FOR.get(resource_type, {}).items()
        if not any(_has(each, path.split(".")) for each in properties)
        for pattern in patterns
    ]
    spared += _NEVER.get(resource_type, ())
    called = {*_permissions(resource_type), *_BEYOND.get(resource_type, ())}
    kept = {action for action in called if not any(fnmatch(action, p) for p in spared)}
    return frozenset({*kept, *_own_reads(resource_type)})


def _has(properties: object, path: list[str]) -> bool:
    if not path:
        return True
    if isinstance(properties, list):
        return any(_has(item, path) for item in properties)
    return (
        isinstance(properties, dict)
        and path[0] in properties
        and _has(properties[path[0]], path[1:])
    )


def unknown_spared() -> Iterator[str]:
    """Yield each type and pattern of the tables above that spares no action of the schema."""
    tables = (
        *(
            (t, p)
            for t, paths in _ONLY_FOR.items()
            for patterns in paths.values()
            for p in patterns
        ),
        *((t, p) for t, patterns in _NEVER.items() for p in patterns),
    )
    for resource_type, pattern in tables:
        if not any(fnmatch(action, pattern) for action in _permissions(resource_type)):
            yield f"{resource_type} {pattern}"
