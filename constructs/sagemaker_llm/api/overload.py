"""The alarms that call a person because an endpoint gets more than its declared load."""

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch
from constructs import Construct

from sagemaker_llm.serving.endpoint import LlmEndpoint
from sagemaker_llm.sizing.sizing import Sizing

_MINUTES = 5
_MINUTE = cdk.Duration.minutes(1)


class OverloadAlarms(Construct):
    """Owns two alarms of five minutes: too many requests in flight, and too many refused.

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
            "More requests are in flight on an instance than it serves as promised;"
            " runbook: Requests in flight",
        )
        self.refused = self._alarm(
            "Refused",
            cloudwatch.MathExpression(
                expression="100 * refused / asked",
                using_metrics={
                    "refused": endpoint.metric_client_errors(_MINUTE),
                    "asked": endpoint.metric_invocations(_MINUTE),
                },
                period=_MINUTE,
            ),
            100 * sizing.max_refused_share,
            "More requests are refused, in percent, than may miss what is promised;"
            " runbook: Requests refused",
        )

    def _alarm(
        self, construct_id: str, metric: cloudwatch.IMetric, above: float, description: str
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=above,
            alarm_description=description,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=_MINUTES,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
