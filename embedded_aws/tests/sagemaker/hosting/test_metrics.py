"""What SageMaker publishes of an endpoint, in the datapoints of AWS/SageMaker."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from ministack.services import cloudwatch

from embedded_aws.sagemaker.hosting import metrics, traffic
from embedded_aws.tests.sagemaker.hosting.conftest import Hosting


@pytest.fixture(autouse=True)
def _unpublished(hosting: Hosting) -> Iterator[None]:
    hosting.create(hosting.config("Three", InitialInstanceCount=3))
    cloudwatch.reset()
    yield
    cloudwatch.reset()


def _published() -> dict[str, list[float]]:
    metrics.publish_all()
    names = {"EndpointName": "E", "VariantName": "AllTraffic"}
    return {
        name: [point["Value"] for point in points]
        for (namespace, name, _), points in cloudwatch._metrics.items()
        if namespace == "AWS/SageMaker" and all(p["Dimensions"] == names for p in points)
    }


def test_requests_go_to_the_instance_that_works_on_the_fewest() -> None:
    with ExitStack() as requests:
        for _ in range(5):
            requests.enter_context(traffic.request("E"))
        assert traffic.in_flight("E") == [2, 2, 1]
        assert _published()["ConcurrentRequestsPerModel"] == [2, 2, 1]
    assert traffic.in_flight("E") == [0, 0, 0]


def test_requests_and_what_the_container_refused_are_counted_once() -> None:
    for status in (200, 200, 429, 500):
        metrics.count("E", 3, status)
    published = _published()
    assert published["Invocations"] == [4]
    assert published["InvocationsPerInstance"] == [pytest.approx(4 / 3)]
    assert published["Invocation4XXErrors"] == [1]
    assert published["Invocation5XXErrors"] == [1]
    metrics.publish_all()
    assert len(_published()["Invocations"]) == 1  # nothing happened since
