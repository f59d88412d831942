"""The scaling of an endpoint: its instances, or a component's copies, follow the requests."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import aws_cdk as cdk
import aws_cdk.aws_applicationautoscaling as appscaling
from constructs import Construct

from allowed_values.rules import Range, RefusedValueError
from sagemaker_llm.models.checked import Checked
from sagemaker_llm.models.limits import MAX_CONCURRENT_REQUESTS, RequestLimits
from sagemaker_llm.sizing.formula.workload import TIMEZONE
from sagemaker_llm.sizing.schedule import ScheduledMinimum
from sagemaker_llm.sizing.sizing import Sizing

from .work import work_of_instance

_Predefined = appscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty
_Customized = appscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty

# Zero instances need inference components, and then fail requests for minutes. SageMaker names no
# upper bound but the account's quota: this one is ours.
Instances = Annotated[int, Range(at_least=1, at_most=1000)]
_Cooldown = Annotated[int, Range(at_least=0, at_most=86_400)]


@dataclass(frozen=True, kw_only=True)
class TargetTracking(Checked):
    """Bounds and target of the scaling: the requests that one instance should have in flight."""

    min_instances: Instances = 1
    max_instances: Instances = 1
    # What a new endpoint starts with. A change replaces the configuration and rolls every instance,
    # so it does not follow min_instances, which scaling applies without a replacement.
    initial_instances: Instances = 1
    # 512-word prompts begin to wait for each other at 16 users on one ml.g5.2xlarge (JumpStart's
    # measurement of Mistral 7B Instruct): half of that leaves time to load the model.
    target_concurrent_requests: Annotated[
        float, Range(above=0, below=MAX_CONCURRENT_REQUESTS.at_most)
    ] = 8
    # The milliseconds of work of an instance in each minute, as the proxy counts it: with it, the
    # concurrency target is a guard. None: only concurrent requests are tracked.
    target_work_milliseconds: Annotated[float, Range(above=0, at_most=60_000)] | None = None
    scale_out_cooldown_seconds: _Cooldown = 60
    # A new instance takes minutes to load the model: removing one too early costs most.
    scale_in_cooldown_seconds: _Cooldown = 300
    # The min_instances from a minute of each day on; empty: the same all day.
    scheduled_minimums: tuple[ScheduledMinimum, ...] = ()
    timezone: Annotated[str, TIMEZONE] = "Etc/UTC"  # of the schedule

    @classmethod
    def sized(cls, sizing: Sizing, *, initial_instances: int = 1) -> "TargetTracking":
        """Return the scaling that follows from a declared load."""
        return cls(
            min_instances=sizing.min_instances,
            max_instances=sizing.max_instances,
            initial_instances=initial_instances,
            target_concurrent_requests=sizing.target_concurrent_requests,
            target_work_milliseconds=sizing.target_work_milliseconds,
            scheduled_minimums=sizing.schedule,
            timezone=sizing.load.workload.timezone,
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        for minimum in self.scheduled_minimums:
            if not self.min_instances <= minimum.instances <= self.max_instances:
                raise RefusedValueError(
                    f"scheduled_minimums must be from min_instances {self.min_instances} to"
                    f" max_instances {self.max_instances}, got {minimum.instances}"
                )
        for name in ("min_instances", "initial_instances"):
            if getattr(self, name) > self.max_instances:
                raise RefusedValueError(
                    f"{name} must be from 1 to max_instances {self.max_instances},"
                    f" got {getattr(self, name)}"
                )

    def check_limits(self, limits: RequestLimits) -> None:
        """Raise ValueError for a target that the server's limits keep from being exceeded."""
        # What TGI refuses is not in flight.
        if self.target_concurrent_requests >= limits.max_concurrent_requests:
            raise RefusedValueError(
                "target_concurrent_requests must be below the max_concurrent_requests of the model,"
                f" {limits.max_concurrent_requests}, got {self.target_concurrent_requests}"
            )


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
        # 10-second data: scale-out starts within a minute of the breach, not after five.
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
