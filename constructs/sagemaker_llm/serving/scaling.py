"""The scaling of an endpoint: its instances follow its concurrent requests."""

from dataclasses import dataclass

import aws_cdk as cdk
import aws_cdk.aws_applicationautoscaling as appscaling
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class TargetTracking:
    """Bounds and target of the scaling: the requests that one instance should have in flight."""

    min_instances: int = 1
    max_instances: int = 1
    # What a new endpoint starts with. A change replaces the configuration and rolls every instance,
    # so it does not follow min_instances, which scaling keeps to without one.
    initial_instances: int = 1
    # 512-word prompts begin to wait for each other at 16 users on one ml.g5.2xlarge (JumpStart's
    # measurement of Mistral 7B Instruct): half of that leaves time to load the model.
    target_concurrent_requests: float = 8
    scale_out_cooldown_seconds: int = 60
    # A new instance takes minutes to load the model: removing one too early costs most.
    scale_in_cooldown_seconds: int = 300

    def __post_init__(self) -> None:
        # Zero instances need inference components, and then fail requests for minutes.
        if not 1 <= self.min_instances <= self.max_instances:
            raise ValueError(
                "min_instances must be from 1 to max_instances"
                f" {self.max_instances}, got {self.min_instances}"
            )
        if not 1 <= self.initial_instances <= self.max_instances:
            raise ValueError(
                "initial_instances must be from 1 to max_instances"
                f" {self.max_instances}, got {self.initial_instances}"
            )
        if self.target_concurrent_requests <= 0:
            raise ValueError(
                "target_concurrent_requests must be positive,"
                f" got {self.target_concurrent_requests}"
            )
        if min(self.scale_out_cooldown_seconds, self.scale_in_cooldown_seconds) < 0:
            raise ValueError(
                "cooldowns must not be negative, got"
                f" {self.scale_out_cooldown_seconds} out and {self.scale_in_cooldown_seconds} in"
            )


class EndpointScaling(Construct):
    """Owns the instance count of one variant, tracking the concurrent requests of its model."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        variant_name: str,
        tracking: TargetTracking,
        condition: cdk.CfnCondition,
    ) -> None:
        super().__init__(scope, construct_id)
        # L1, because the L2 adds a role that Application Auto Scaling does not use for SageMaker:
        # it has a service-linked one.
        target = appscaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint_name}/variant/{variant_name}",
            min_capacity=tracking.min_instances,
            max_capacity=tracking.max_instances,
        )
        target.cfn_options.condition = condition
        policy = appscaling.CfnScalingPolicy
        tracked = policy(
            self,
            "Policy",
            policy_name="ConcurrentRequestsPerModel",  # CloudFormation generates none
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=tracking.target_concurrent_requests,
                scale_out_cooldown=tracking.scale_out_cooldown_seconds,
                scale_in_cooldown=tracking.scale_in_cooldown_seconds,
                # 10-second data: scale-out starts within a minute of the breach, not after five.
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type=(
                        "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                    )
                ),
            ),
        )
        tracked.cfn_options.condition = condition
