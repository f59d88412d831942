"""The scaling of an endpoint: its instances, or a component's copies, follow the requests."""

from typing import NamedTuple

import aws_cdk as cdk
import aws_cdk.aws_applicationautoscaling as appscaling
from constructs import Construct

from .tracking import TargetTracking
from .work import work_of_instance

_Predefined = appscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty
_Customized = appscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty


class ScaledCount(NamedTuple):
    """What Application Auto Scaling sets, and the 10-second metric that it follows.

    With those data scale-out starts within a minute of the breach, not after five.
    """

    resource_id: str
    dimension: str
    metric: str
    policy_name: str  # CloudFormation generates none
    work: _Customized | None = None  # its metric

    @classmethod
    def of_variant(cls, endpoint_name: str, variant_name: str) -> "ScaledCount":
        """Return the instances of a variant that has a model."""
        return cls(
            f"endpoint/{endpoint_name}/variant/{variant_name}",
            "sagemaker:variant:DesiredInstanceCount",
            "SageMakerVariantConcurrentRequestsPerModelHighResolution",
            "ConcurrentRequestsPerModel",
            work_of_instance(endpoint_name, variant_name),
        )

    @classmethod
    def of_component(cls, name: str) -> "ScaledCount":
        """Return the copies of a base component, which its adapters share."""
        return cls(
            f"inference-component/{name}",
            "sagemaker:inference-component:DesiredCopyCount",
            "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
            "ConcurrentRequestsPerCopy",
        )


class EndpointScaling(Construct):
    """Owns the count of what serves, tracking the concurrent requests of each."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        scaled: ScaledCount,
        tracking: TargetTracking,
        condition: cdk.CfnCondition | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        # L1, because the L2 adds a role that Application Auto Scaling does not use for SageMaker:
        # it has a service-linked one.
        target = appscaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace="sagemaker",
            scalable_dimension=scaled.dimension,
            resource_id=scaled.resource_id,
            min_capacity=tracking.min_instances,
            max_capacity=tracking.max_instances,
            scheduled_actions=_scheduled(tracking),
        )
        target.cfn_options.condition = condition
        of_policy = appscaling.CfnScalingPolicy
        concurrency = of_policy.PredefinedMetricSpecificationProperty(
            predefined_metric_type=scaled.metric
        )
        policies = [
            _policy(
                self,
                "Policy",
                name=scaled.policy_name,
                target=target,
                tracking=tracking,
                value=tracking.target_concurrent_requests,
                predefined_metric_specification=concurrency,
            )
        ]
        if tracking.target_work_milliseconds:
            policies.append(
                _policy(
                    self,
                    "Work",
                    name="WorkPerInstance",
                    target=target,
                    tracking=tracking,
                    value=tracking.target_work_milliseconds,
                    customized_metric_specification=scaled.work,
                )
            )
        for policy in policies:
            policy.cfn_options.condition = condition


def _policy(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    target: appscaling.CfnScalableTarget,
    tracking: TargetTracking,
    value: float,
    predefined_metric_specification: _Predefined | None = None,
    customized_metric_specification: _Customized | None = None,
) -> appscaling.CfnScalingPolicy:
    of_policy = appscaling.CfnScalingPolicy
    return of_policy(
        scope,
        construct_id,
        policy_name=name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=of_policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=value,
            scale_out_cooldown=tracking.scale_out_cooldown_seconds,
            scale_in_cooldown=tracking.scale_in_cooldown_seconds,
            predefined_metric_specification=predefined_metric_specification,
            customized_metric_specification=customized_metric_specification,
        ),
    )


def _scheduled(
    tracking: TargetTracking,
) -> list[appscaling.CfnScalableTarget.ScheduledActionProperty] | None:
    """Return the actions that set the minimum; at most 200; a day's ten minutes need 144."""
    of_target = appscaling.CfnScalableTarget
    return [
        of_target.ScheduledActionProperty(
            scheduled_action_name=f"Minimum{hour:02}{minute:02}",
            schedule=f"cron({minute} {hour} * * ? *)",
            timezone=tracking.timezone,
            scalable_target_action=of_target.ScalableTargetActionProperty(
                min_capacity=each.instances
            ),
        )
        for each in tracking.scheduled_minimums
        for hour, minute in [divmod(each.minute, 60)]
    ] or None
