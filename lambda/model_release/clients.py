"""The AWS services that a release calls."""

from functools import cache
from typing import Any

import boto3


@cache
def cloudformation() -> Any:  # noqa: ANN401 - boto3 has no types
    """Return the client that updates the serving stack."""
    return boto3.client("cloudformation")


@cache
def sagemaker() -> Any:  # noqa: ANN401 - boto3 has no types
    """Return the client that answers pipelines and reads the registry."""
    return boto3.client("sagemaker")


@cache
def s3() -> Any:  # noqa: ANN401 - boto3 has no types
    """Return the client that lists weights and reads inventories."""
    return boto3.client("s3")
