"""The capacity of a managed proxy: the instances that Lambda starts, and its role for that."""

import aws_cdk as cdk
import aws_cdk.aws_iam as iam
import aws_cdk.aws_lambda as lambda_
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge_wildcard
from sagemaker_llm.common.log_keeping import LogKeeping
from sagemaker_llm.sizing.hosting import MIN_ENVIRONMENTS, ManagedInstances

from .network import ManagedNetwork

# Unverified: that Lambda needs no more than AWSLambdaManagedEC2ResourceOperator of June 2026 within
# the stack's subnets, groups and log: look at whether the capacity provider becomes active.
_DESCRIBED = (
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeCapacityReservations",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEncryptionControls",
)


class ManagedCapacity(Construct):
    """Owns a capacity provider with its network and its operator role; a version runs on it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        hosting: ManagedInstances,
        log_keeping: LogKeeping,
    ) -> None:
        super().__init__(scope, construct_id)
        self._hosting = hosting
        self._network = ManagedNetwork(self, "Network")
        logs = log_keeping.log_group(self, "Logs")
        operator = self._operator()
        logs.grant_write(operator)
        provider = lambda_.CfnCapacityProvider
        self._provider = provider(
            self,
            "Provider",
            vpc_config=provider.CapacityProviderVpcConfigProperty(
                subnet_ids=[subnet.attr_subnet_id for subnet in self._network.subnets],
                security_group_ids=[self._network.instances.attr_group_id],
            ),
            permissions_config=provider.CapacityProviderPermissionsConfigProperty(
                capacity_provider_operator_role_arn=operator.role_arn
            ),
            instance_requirements=provider.InstanceRequirementsProperty(
                architectures=["arm64"], allowed_instance_types=[hosting.instance_type]
            ),
            capacity_provider_scaling_config=provider.CapacityProviderScalingConfigProperty(
                scaling_mode="Auto",
                max_v_cpu_count=hosting.max_instance_cpus,
            ),
            telemetry_config=provider.CapacityProviderTelemetryConfigProperty(
                logging_config=provider.CapacityProviderLoggingConfigProperty(
                    log_group=logs.log_group_name, system_log_level="WARN"
                )
            ),
        )
        # Lambda acts as the role from the first moment on.
        self._provider.node.add_dependency(operator)

    def run(self, function: lambda_.Function) -> None:
        """Run the function's published versions on the capacity."""
        hosting, of_function = self._hosting, lambda_.CfnFunction
        resource = function.node.default_child
        version = function.current_version.node.default_child
        if not (isinstance(resource, of_function) and isinstance(version, lambda_.CfnVersion)):
            raise TypeError(f"the function must have resources of its own, got {resource}")
        resource.capacity_provider_config = of_function.CapacityProviderConfigProperty(
            lambda_managed_instances_capacity_provider_config=(
                of_function.LambdaManagedInstancesCapacityProviderConfigProperty(
                    capacity_provider_arn=self._provider.attr_arn,
                    per_execution_environment_max_concurrency=hosting.max_streams,
                    execution_environment_memory_gib_per_v_cpu=hosting.memory_mib
                    / 1024
                    / hosting.cpus,
                )
            )
        )
        # What nobody calls: CloudFormation would start three instances for it, too.
        resource.publish_to_latest_published = False
        version.function_scaling_config = lambda_.CfnVersion.FunctionScalingConfigProperty(
            min_execution_environments=MIN_ENVIRONMENTS,
            max_execution_environments=hosting.max_environments,
        )

    def _operator(self) -> iam.Role:
        stack = cdk.Stack.of(self)
        role = iam.Role(self, "Operator", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

        def any_of(resource: str) -> str:
            return stack.format_arn(service="ec2", resource=resource, resource_name="*")

        started = [any_of(name) for name in ("instance", "network-interface", "volume")]
        image = stack.format_arn(service="ec2", account="", resource="image", resource_name="*")
        subnets = [
            stack.format_arn(service="ec2", resource="subnet", resource_name=each.attr_subnet_id)
            for each in self._network.subnets
        ]
        group = stack.format_arn(
            service="ec2",
            resource="security-group",
            resource_name=self._network.instances.attr_group_id,
        )
        statements = (
            iam.PolicyStatement(
                actions=["ec2:AttachNetworkInterface", "ec2:CreateTags", "ec2:RunInstances"],
                resources=started,
                conditions={
                    "StringEquals": {"ec2:ManagedResourceOperator": "scaler.lambda.amazonaws.com"}
                },
            ),
            iam.PolicyStatement(
                actions=["ec2:CreateNetworkInterface", "ec2:RunInstances"],
                resources=[*subnets, group],
            ),
            iam.PolicyStatement(
                actions=["ec2:RunInstances"],
                resources=[image],
                conditions={"StringEquals": {"ec2:Owner": "amazon"}},
            ),
            iam.PolicyStatement(actions=list(_DESCRIBED), resources=["*"]),
        )
        for statement in statements:
            role.add_to_principal_policy(statement)
        for arn in started:
            acknowledge_wildcard(
                role, arn, reason="only what Lambda's own scaler starts has the mark"
            )
        acknowledge_wildcard(role, image, reason="Lambda chooses the image; it is one of Amazon's")
        acknowledge_wildcard(role, "*", reason="EC2's descriptions take no other resource")
        return role
