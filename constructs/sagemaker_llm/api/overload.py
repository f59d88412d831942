"""The alarms that page somebody when an endpoint gets more than its declared load."""

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.sizing.sizing import ALARM_MINUTES, ALARM_MINUTES_AT_MAXIMUM, Sizing

_MINUTE = cdk.Duration.minutes(1)


class OverloadAlarms(Construct):
    """Owns three alarms: too many requests in flight, too many refused, and a fleet at its maximum.

    They have no actions; add one::

        alarms = OverloadAlarms(stack, "Overload", endpoint=endpoint, sizing=sizing)
        alarms.refused.add_alarm_action(cloudwatch_actions.SnsAction(topic))
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, endpoint: LlmEndpoint, sizing: Sizing
    ) -> None:
        super().__init__(scope, construct_id)
        self.in_flight = self._alarm(
            "InFlight",
            endpoint.metric_concurrent_requests("Average", _MINUTE),
            sizing.concurrency_alarm,
            "More requests are in flight on an instance than it can serve within the objective;"
            " runbook: Requests in flight",
        )
        self.refused = self._alarm(
            "Refused",
            endpoint.metric_refused_share(_MINUTE),
            sizing.max_refused_share,
            "A larger share of the requests is refused than the objective allows;"
            " runbook: Requests refused",
        )
        self.at_maximum = self._alarm(
            "AtMaximum",
            _in_flight_at_maximum(endpoint, sizing.max_instances),
            sizing.in_flight_at_maximum,
            "All instances of the largest fleet run, and each has more requests in flight than it"
            " can serve within the objective; runbook: Fleet at its maximum",
            ALARM_MINUTES_AT_MAXIMUM,
        )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        above: float,
        description: str,
        minutes: int = ALARM_MINUTES,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=above,
            alarm_description=description,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=minutes,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _in_flight_at_maximum(endpoint: LlmEndpoint, instances: int) -> cloudwatch.MathExpression:
    """Return the requests in flight on an instance while so many serve, and 0 while fewer do.

    SageMaker publishes no number of instances; a request counts 1/instances in one metric.
    """
    return cloudwatch.MathExpression(
        expression=f"IF(asked / each > {instances - 0.5:g}, inflight, 0)",
        using_metrics={
            "asked": endpoint.metric_invocations(_MINUTE),
            "each": endpoint.metric_invocations_per_instance(_MINUTE),
            "inflight": endpoint.metric_concurrent_requests("Average", _MINUTE),
        },
        period=_MINUTE,
    )
