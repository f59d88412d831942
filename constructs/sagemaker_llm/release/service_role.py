"""The role of a release's stack update: it can replace the model behind one endpoint."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_kms as kms
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.serving.endpoint import LlmEndpoint

from .registry import ModelRegistry


class ReleaseServiceRole(iam.Role):
    """Role that a release passes to CloudFormation, in place of the one that deploys the stack.

    It needs no condition on who acts through it: only whoever may pass it, in this account, can.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: LlmEndpoint,
        registry: ModelRegistry,
    ) -> None:
        models, configs = (named_after(c) for c in (endpoint.cfn_model, endpoint.cfn_config))
        statements = [
            *_models(models, endpoint, registry),
            *_configs(configs, endpoint),
            *_endpoint(configs, endpoint),
            *_volumes(endpoint.volume_key),
            _marks([*models, *configs, endpoint.endpoint_arn]),
            iam.PolicyStatement(
                actions=["ssm:GetParameters"],
                resources=[bootstrap_version_arn(cdk.Stack.of(endpoint))],
            ),
        ]
        super().__init__(
            scope,
            construct_id,
            description="Changes the model behind the endpoint, for CloudFormation",
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
            inline_policies={"Release": iam.PolicyDocument(statements=statements)},
        )
        for arn in (*models, *configs):
            acknowledge_wildcard(
                self, arn, reason="CloudFormation ends the names with random parts"
            )
        acknowledge_wildcard(
            self, registry.packages_arn, reason="a package is named by its group and version"
        )


def bootstrap_version_arn(stack: cdk.Stack) -> str:
    """Return the ARN of the parameter that the CDK lets every template read.

    Who calls UpdateStack and the role that is passed may both read it: decision 0016 says why.
    """
    qualifier = stack.synthesizer.bootstrap_qualifier
    name = f"cdk-bootstrap/{qualifier}/version"
    return stack.format_arn(service="ssm", resource="parameter", resource_name=name)


def named_after(resource: cdk.CfnResource) -> list[str]:
    """Return ARNs for the names that CloudFormation generates for a resource.

    Unverified: whether IAM sees the name as it is given or in lower case, as SageMaker's ARNs have
    it. On the first release, CloudTrail's CreateModel shows the resource that was authorized.
    """
    stack = cdk.Stack.of(resource)
    kinds = {"AWS::SageMaker::Model": "model", "AWS::SageMaker::EndpointConfig": "endpoint-config"}
    name: str = stack.resolve(resource.logical_id)
    return [
        stack.format_arn(
            service="sagemaker",
            resource=kinds[resource.cfn_resource_type],
            resource_name=f"{spelling}-*",
        )
        for spelling in (name, name.lower())
    ]


def _models(
    arns: list[str], endpoint: LlmEndpoint, registry: ModelRegistry
) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=["sagemaker:CreateModel"],
            resources=arns,
            conditions={"Bool": {"sagemaker:NetworkIsolation": "true"}},
        ),
        iam.PolicyStatement(
            actions=["sagemaker:DeleteModel", "sagemaker:DescribeModel"], resources=arns
        ),
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[endpoint.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        iam.PolicyStatement(
            actions=["sagemaker:DescribeModelPackage"], resources=[registry.packages_arn]
        ),
    ]


def _configs(arns: list[str], endpoint: LlmEndpoint) -> list[iam.PolicyStatement]:
    key = endpoint.volume_key
    encrypted = {"ArnEquals": {"sagemaker:VolumeKmsKey": key.key_arn}} if key else {}
    return [
        iam.PolicyStatement(
            actions=["sagemaker:CreateEndpointConfig"],
            resources=arns,
            conditions={
                "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": endpoint.instance_type},
                "Null": {"sagemaker:InstanceTypes": "false"},
                **encrypted,
            },
        ),
        iam.PolicyStatement(
            actions=["sagemaker:DeleteEndpointConfig", "sagemaker:DescribeEndpointConfig"],
            resources=arns,
        ),
    ]


def _endpoint(configs: list[str], endpoint: LlmEndpoint) -> list[iam.PolicyStatement]:
    return [
        # The action is on the endpoint and on the configuration that it gets.
        iam.PolicyStatement(
            actions=["sagemaker:UpdateEndpoint"], resources=[endpoint.endpoint_arn, *configs]
        ),
        iam.PolicyStatement(
            actions=["sagemaker:DescribeEndpoint"], resources=[endpoint.endpoint_arn]
        ),
    ]


def _volumes(key: kms.IKey | None) -> list[iam.PolicyStatement]:
    """Allow what starts instances with a key of the account's: lending it to their volumes."""
    if key is None:
        return []
    return [
        iam.PolicyStatement(
            actions=["kms:CreateGrant"],
            resources=[key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    ]


def _marks(arns: list[str]) -> iam.PolicyStatement:
    """Allow the tags that CloudFormation puts on what it creates."""
    return iam.PolicyStatement(actions=["sagemaker:AddTags", "sagemaker:ListTags"], resources=arns)
