"""The metric of the work of an instance, which the proxy counts of all of them together."""

import aws_cdk.aws_applicationautoscaling as appscaling

from .metrics import INVOCATIONS_NAMESPACE, PROXY_NAMESPACE

_of = appscaling.CfnScalingPolicy


def work_of_instance(
    endpoint_name: str, variant_name: str
) -> appscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
    """Return the milliseconds of work of an instance in each minute.

    SageMaker publishes no number of instances; a request counts 1/instances in one metric.
    Unverified: that Application Auto Scaling takes the expression, and how soon its alarms judge a
    minute; look at the two alarms whose names begin with TargetTracking-endpoint/ and contain the
    policy's, and at their datapoints, after the first deployment that tracks work.
    """
    variant = {"EndpointName": endpoint_name, "VariantName": variant_name}
    return _of.CustomizedMetricSpecificationProperty(
        metrics=[
            _sum("work", PROXY_NAMESPACE, "Work", {"endpoint": endpoint_name}),
            _sum("asked", INVOCATIONS_NAMESPACE, "Invocations", variant),
            _sum("each", INVOCATIONS_NAMESPACE, "InvocationsPerInstance", variant),
            _of.TargetTrackingMetricDataQueryProperty(
                id="perinstance",
                label="milliseconds of work of an instance",
                expression="work * each / asked",
                return_data=True,
            ),
        ]
    )


def _sum(
    query_id: str, namespace: str, name: str, dimensions: dict[str, str]
) -> appscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
    return _of.TargetTrackingMetricDataQueryProperty(
        id=query_id,
        metric_stat=_of.TargetTrackingMetricStatProperty(
            metric=_of.TargetTrackingMetricProperty(
                namespace=namespace,
                metric_name=name,
                dimensions=[
                    _of.TargetTrackingMetricDimensionProperty(name=key, value=value)
                    for key, value in dimensions.items()
                ],
            ),
            stat="Sum",
        ),
        return_data=False,
    )
