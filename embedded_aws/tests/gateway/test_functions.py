"""What the log says of web functions."""

import logging

import pytest
from ministack.services import lambda_svc

from embedded_aws.core.emulator import scope
from embedded_aws.gateway.functions import is_true_here


@pytest.mark.parametrize(("layer", "is_said"), [("LambdaAdapterLayerArm64", 0), ("Another", 1)])
def test_the_adapters_layer_is_not_said_to_be_missing(
    caplog: pytest.LogCaptureFixture, layer: str, is_said: int
) -> None:
    logger = logging.getLogger("lambda")  # as the server calls it, and ministack
    arn = f"arn:aws:lambda:us-east-1:753240598075:layer:{layer}:27"
    logger.addFilter(is_true_here)
    try:
        with scope("000000000000", "us-east-1"):
            lambda_svc._resolve_layer_version_for_attachment(arn)
    finally:
        logger.removeFilter(is_true_here)
    assert len(caplog.records) == is_said
