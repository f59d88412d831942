"""What an endpoint says that it serves."""

from types import SimpleNamespace

from model_release.serving.endpoint import ServingEndpoint


def test_adapters_have_the_base_weights_beneath_them() -> None:
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.2xlarge"}
    sagemaker = SimpleNamespace(
        describe_endpoint=lambda **_: {"EndpointConfigName": "config-1"},
        describe_endpoint_config=lambda **_: {"ProductionVariants": [variant]},
    )
    assert ServingEndpoint(sagemaker, "e").served_package() == ""
