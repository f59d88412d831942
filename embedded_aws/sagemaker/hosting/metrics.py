"""The metrics that SageMaker publishes of an endpoint with a model."""

from collections import defaultdict
from dataclasses import dataclass

from embedded_aws.cloudwatch import series
from embedded_aws.core.emulator import scope
from embedded_aws.sagemaker.hosting import traffic
from embedded_aws.sagemaker.hosting.records import configs, endpoints
from embedded_aws.sagemaker.hosting.traffic import Key

EVERY_SECONDS = 10
_NAMESPACE = "AWS/SageMaker"
_CLIENT_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)


@dataclass
class _Counts:
    """Since they were published last."""

    invocations: int = 0
    per_instance: float = 0.0
    client_errors: int = 0
    server_errors: int = 0


_counts: defaultdict[Key, _Counts] = defaultdict(_Counts)


def count(endpoint_name: str, instances: int, status: int) -> None:
    """Count a request that one of so many instances answered."""
    counts = _counts[traffic.key_of(endpoint_name)]
    counts.invocations += 1
    counts.per_instance += 1 / instances
    counts.client_errors += status in _CLIENT_ERRORS
    counts.server_errors += status in _SERVER_ERRORS


def publish_all() -> None:
    """Publish what has happened; as on AWS, an endpoint without requests has no datapoints."""
    for key in traffic.routed():
        with scope(*key[:2]):
            in_flight, counts = traffic.in_flight(key[2]), _counts.pop(key, _Counts())
            variants = _variants(key[2])
            if variants and (counts.invocations or any(in_flight)):
                _publish({"EndpointName": key[2], "VariantName": variants[0]}, in_flight, counts)


def _publish(dimensions: dict[str, str], in_flight: list[int], counts: _Counts) -> None:
    values: dict[str, list[float]] = {
        "ConcurrentRequestsPerModel": [float(each) for each in in_flight],
        "Invocations": [counts.invocations],
        "InvocationsPerInstance": [counts.per_instance],
        "Invocation4XXErrors": [counts.client_errors],
        "Invocation5XXErrors": [counts.server_errors],
    }
    for name, each in values.items():
        series.put(_NAMESPACE, name, dimensions, each)


def _variants(endpoint_name: str) -> list[str]:
    """Return the variants that have a model; those of components have metrics of their own."""
    config = configs.get(endpoints.get(endpoint_name, {}).get("EndpointConfigName", ""), {})
    return [v["VariantName"] for v in config.get("ProductionVariants", []) if "ModelName" in v]
