"""What the release function may do beside reading its queue: update one stack, judge packages."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam

from .acknowledge import acknowledge_wildcard
from .model_registry import ModelRegistry
from .packaged_function import PackagedFunction


def grant_release(
    function: PackagedFunction, serving: cdk.Stack, *, stack_arn: str, registry: ModelRegistry
) -> None:
    """Allow updating the serving stack, and no other.

    No role is passed: CloudFormation uses the one again that the CDK deployed the stack with.
    """
    qualifier = serving.synthesizer.bootstrap_qualifier
    version_arn = serving.format_arn(
        service="ssm", resource="parameter", resource_name=f"cdk-bootstrap/{qualifier}/version"
    )
    for actions, resource in (
        (
            [
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:UpdateStack",
            ],
            stack_arn,
        ),
        # CloudFormation looks a template's SSM parameters up as the caller, and the CDK puts one
        # into every template.
        (["ssm:GetParameters"], version_arn),
        (
            ["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"],
            registry.packages_arn,
        ),
    ):
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
    acknowledge_wildcard(
        function.execution_role, stack_arn, reason="a stack's id ends with a random part"
    )
    acknowledge_wildcard(
        function.execution_role,
        registry.packages_arn,
        reason="a package is named by its group and version",
    )
