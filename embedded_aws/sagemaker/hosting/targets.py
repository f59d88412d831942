"""What a request may aim at: a variant that its endpoint has, and nothing else that is emulated."""

from collections.abc import Mapping

from embedded_aws.sagemaker.hosting import records

_VARIANT_HEADER = "x-amzn-sagemaker-target-variant"
# The words are ours, except those about target models, which are SageMaker's.
_REFUSED = {
    "x-amzn-sagemaker-target-model": (
        "Endpoint {endpoint} is not a multi-model endpoint and does not support target model"
        " header."
    ),
    "x-amzn-sagemaker-target-container-hostname": (
        "Endpoint {endpoint} has one container and no direct invocation: leave out"
        " TargetContainerHostname, got {value}."
    ),
    "x-amzn-sagemaker-session-id": (
        "Endpoint {endpoint} serves no stateful sessions: leave out SessionId, got {value}."
    ),
}


def invoked(endpoint: str) -> dict[str, str]:
    """Return the header that names the variant which answers."""
    names = _variants(endpoint)
    return {"x-Amzn-Invoked-Production-Variant": names[0]} if names else {}


def refusal(endpoint: str, headers: Mapping[str, str]) -> str | None:
    """Return why SageMaker would not send a request where its headers aim, or None."""
    for name, words in _REFUSED.items():
        if value := headers.get(name):
            return words.format(endpoint=endpoint, value=value)
    wanted = headers.get(_VARIANT_HEADER)
    if wanted and wanted not in _variants(endpoint):
        return f"Variant {wanted} of endpoint {endpoint} not found."
    return None


def _variants(endpoint: str) -> list[str]:
    config = records.configs.get(records.endpoints[endpoint]["EndpointConfigName"], {})
    return [variant["VariantName"] for variant in config.get("ProductionVariants", [])]
