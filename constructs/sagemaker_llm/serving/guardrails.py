"""The guardrails of an endpoint's updates: their steps, and the alarms that undo them."""

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
import aws_cdk.aws_sagemaker as sagemaker_cfn
from constructs import Construct

from .metrics import PROXY_NAMESPACE
from .tracking import TargetTracking
from .updates import MAX_DEPLOYMENT_SECONDS, GuardedUpdates, UpdateStrategy

_MINUTE = cdk.Duration.minutes(1)


class RollbackAlarms(Construct):
    """Owns the alarms on what callers see of an endpoint; no request is no breach."""

    def __init__(
        self, scope: Construct, construct_id: str, *, endpoint_name: str, updates: GuardedUpdates
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms = [
            self._alarm(
                "ErrorShare",
                _metric(endpoint_name, "Faults", "Average"),
                updates.max_error_share,
                "Too large a share of the answers failed; runbook: Error share",
            ),
            self._alarm(
                "TimeToFirstToken",
                _metric(endpoint_name, "TimeToFirstToken", "p90"),
                1000 * updates.max_time_to_first_token_seconds,
                "The slowest tenth of the answers began too late; runbook: Time to first token",
            ),
        ]

    def _alarm(
        self, construct_id: str, metric: cloudwatch.Metric, above: float, description: str
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=above,
            alarm_description=description,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _metric(endpoint_name: str, name: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        # The endpoint's own metrics miss what callers see, such as answers that break off.
        namespace=PROXY_NAMESPACE,
        metric_name=name,
        statistic=statistic,
        period=_MINUTE,
        dimensions_map={"endpoint": endpoint_name},
    )


def deployment_config(
    updates: GuardedUpdates, scaling: TargetTracking, rollback: cdk.IResolvable
) -> sagemaker_cfn.CfnEndpoint.DeploymentConfigProperty:
    """Return how SageMaker updates the endpoint; `rollback` has the alarms that make it go back."""
    of_endpoint = sagemaker_cfn.CfnEndpoint
    rolls = updates.chosen(scaling) is UpdateStrategy.ROLLING
    return of_endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=rollback,
        rolling_update_policy=_rolling(updates) if rolls else None,
        blue_green_update_policy=None if rolls else _blue_green(updates, scaling),
    )


def _size(updates: GuardedUpdates) -> sagemaker_cfn.CfnEndpoint.CapacitySizeProperty:
    return sagemaker_cfn.CfnEndpoint.CapacitySizeProperty(
        type="INSTANCE_COUNT", value=updates.step_instances
    )


def _rolling(updates: GuardedUpdates) -> sagemaker_cfn.CfnEndpoint.RollingUpdatePolicyProperty:
    return sagemaker_cfn.CfnEndpoint.RollingUpdatePolicyProperty(
        maximum_batch_size=_size(updates),
        # By default a rollback starts the whole old fleet at once, which needs twice the quota.
        rollback_maximum_batch_size=_size(updates),
        wait_interval_in_seconds=updates.baking_seconds,
        maximum_execution_timeout_in_seconds=MAX_DEPLOYMENT_SECONDS,
    )


def _blue_green(
    updates: GuardedUpdates, scaling: TargetTracking
) -> sagemaker_cfn.CfnEndpoint.BlueGreenUpdatePolicyProperty:
    canary = updates.chosen(scaling) is UpdateStrategy.CANARY
    of_endpoint = sagemaker_cfn.CfnEndpoint
    return of_endpoint.BlueGreenUpdatePolicyProperty(
        traffic_routing_configuration=of_endpoint.TrafficRoutingConfigProperty(
            type="CANARY" if canary else "ALL_AT_ONCE",
            canary_size=_size(updates) if canary else None,
            wait_interval_in_seconds=updates.baking_seconds if canary else 0,
        ),
        # The old fleet stays that long, for a rollback that is immediate.
        termination_wait_in_seconds=updates.baking_seconds,
        maximum_execution_timeout_in_seconds=MAX_DEPLOYMENT_SECONDS,
    )
