"""The metrics that SageMaker publishes of an endpoint."""

import aws_cdk as cdk
import aws_cdk.aws_cloudwatch as cloudwatch

INVOCATIONS_NAMESPACE = "AWS/SageMaker"
_INSTANCES = "/aws/sagemaker/Endpoints"
# What the proxy writes into its log, as metrics of the endpoint that it invokes.
PROXY_NAMESPACE = "InvokeProxy"


class EndpointMetrics:
    """The `metric_*` methods of an endpoint: what an alarm or a dashboard is made from.

    A period that is not given is CloudWatch's default of five minutes.
    """

    endpoint_name: str
    variant_name: str

    def metric_invocations(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the number of requests, streamed or whole."""
        return self._metric(INVOCATIONS_NAMESPACE, "Invocations", "Sum", period)

    def metric_invocations_per_instance(
        self, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the number of requests, each divided by the instances that served then."""
        return self._metric(INVOCATIONS_NAMESPACE, "InvocationsPerInstance", "Sum", period)

    def metric_refused_share(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the share of the requests that the container refused because of its load.

        By the proxy: TGI refuses within a stream, which SageMaker counts as a good answer.
        """
        return cloudwatch.Metric(
            namespace=PROXY_NAMESPACE,
            metric_name="Refused",
            statistic="Average",
            period=period,
            dimensions_map={"endpoint": self.endpoint_name},
        )

    def metric_client_errors(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the number of requests that the container refused with a 4XX status."""
        return self._metric(INVOCATIONS_NAMESPACE, "Invocation4XXErrors", "Sum", period)

    def metric_server_errors(self, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """Return the number of requests that failed with a 5XX status."""
        return self._metric(INVOCATIONS_NAMESPACE, "Invocation5XXErrors", "Sum", period)

    def metric_model_latency(
        self, statistic: str = "p99", period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how long the container took to answer, in microseconds."""
        return self._metric(INVOCATIONS_NAMESPACE, "ModelLatency", statistic, period)

    def metric_concurrent_requests(
        self, statistic: str = "Maximum", period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the requests in flight, which scaling follows."""
        return self._metric(INVOCATIONS_NAMESPACE, "ConcurrentRequestsPerModel", statistic, period)

    def metric_gpu_utilization(
        self, statistic: str = "Average", period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the use of an instance's GPUs, in percent: 400 is all of four."""
        return self._metric(_INSTANCES, "GPUUtilization", statistic, period)

    def _metric(
        self, namespace: str, name: str, statistic: str, period: cdk.Duration | None
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            statistic=statistic,
            period=period,
            dimensions_map={
                "EndpointName": self.endpoint_name,
                "VariantName": self.variant_name,
            },
        )
