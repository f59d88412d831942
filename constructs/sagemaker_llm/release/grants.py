"""The release function's permissions beside its queue: to update one stack, to check packages."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.packaged_function import PackagedFunction
from sagemaker_llm.common.s3_prefix import S3Prefix
from sagemaker_llm.serving.endpoint import LlmEndpoint

from .registry import ModelRegistry
from .service_role import bootstrap_version_arn, named_after
from .storage import INVENTORIES, MODELS, TuningStorage


def grant_release(
    function: PackagedFunction,
    serving: cdk.Stack,
    *,
    stack_arn: str,
    service_role: iam.IRole,
    registry: ModelRegistry,
) -> None:
    """Allow updating the serving stack, and no other, under a role that can do no more than that.

    IAM sees neither a template's body nor, beside Capabilities, the types of its resources: what
    bounds an update is the role, see docs/decisions/0016-release-under-a-narrow-role.md.
    """
    function.allow(*_update(stack_arn, service_role), _take_back(registry))
    for actions, resource in (
        (["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"], stack_arn),
        (["ssm:GetParameters"], bootstrap_version_arn(serving)),
        (["sagemaker:DescribeModelPackage"], registry.packages_arn),
    ):
        function.allow(iam.PolicyStatement(actions=actions, resources=[resource]))
    acknowledge_wildcard(function.role, stack_arn, reason="a stack's id ends with a random part")
    acknowledge_wildcard(
        function.role,
        registry.packages_arn,
        reason="a package is named by its group and version",
    )


def _update(stack_arn: str, service_role: iam.IRole) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["cloudformation:UpdateStack"],
            resources=[stack_arn],
            conditions={
                "ArnEquals": {"cloudformation:RoleArn": service_role.role_arn},
                "Null": {
                    "cloudformation:StackPolicyUrl": "true",
                    "cloudformation:TemplateUrl": "true",
                },
            },
        ),
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[service_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        ),
    ]


def _take_back(registry: ModelRegistry) -> iam.PolicyStatement:
    """Allow anything of a package but its approval; a reason is noted without a status."""
    taken_back = ["PendingManualApproval", "Rejected"]
    return iam.PolicyStatement(
        actions=["sagemaker:UpdateModelPackage"],
        resources=[registry.packages_arn],
        conditions={"StringEqualsIfExists": {"sagemaker:ModelApprovalStatus": taken_back}},
    )


def grant_comparison(function: PackagedFunction, endpoint: LlmEndpoint) -> None:
    """Allow reading which model the endpoint serves, and whether it is changing."""
    for actions, resources in (
        (["sagemaker:DescribeEndpoint"], [endpoint.endpoint_arn]),
        (["sagemaker:DescribeEndpointConfig"], named_after(endpoint.cfn_config)),
        (["sagemaker:DescribeModel"], named_after(endpoint.cfn_model)),
    ):
        function.allow(iam.PolicyStatement(actions=actions, resources=resources))
    for arn in (*named_after(endpoint.cfn_config), *named_after(endpoint.cfn_model)):
        acknowledge_wildcard(
            function.role, arn, reason="CloudFormation ends the names with random parts"
        )


def grant_checks(function: PackagedFunction, storage: TuningStorage) -> None:
    """Allow comparing stored weights with their inventories; the weights are listed, not read."""
    models, inventories = (S3Prefix(storage.artifacts, name) for name in (MODELS, INVENTORIES))
    function.allow(
        models.list_statement(),
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[inventories.objects]),
        # The inventory is listed before it is read: it may be gone.
        inventories.list_statement(),
        iam.PolicyStatement(actions=["kms:Decrypt"], resources=[storage.key.key_arn]),
    )
    acknowledge_wildcard(
        function.role, inventories.objects, reason="an inventory is named after its model"
    )
