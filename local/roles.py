"""What SageMaker does for a role, it does with the role's permissions: a missing one is seen."""

import os
import threading
from functools import cache
from typing import Any

import boto3

from local.emulator import assume_role, region
from local.rpc import invalid

_SERVICE = "sagemaker.amazonaws.com"
_one_at_a_time = threading.Lock()


def credentials(role_arn: str) -> dict[str, str]:
    """The environment of a program that acts as the role; raises ServiceError as SageMaker does."""
    try:
        return assume_role(role_arn, _SERVICE)
    except PermissionError as error:
        raise invalid(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            f"principal '{_SERVICE}' to assume the role."
        ) from error


def client(role_arn: str, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """A boto3 client of the embedded AWS that acts as the role."""
    return _client(service, region(), *credentials(role_arn).values())


@cache
def _session() -> Any:  # noqa: ANN401 - boto3 has no types
    return boto3.session.Session()


@cache
def _client(service: str, region_name: str, key: str, secret: str, token: str) -> Any:  # noqa: ANN401 - boto3 has no types
    # one session, which reads each service's model once; threads must not use it at the same time
    with _one_at_a_time:
        return _session().client(
            service,
            endpoint_url=os.environ["AWS_ENDPOINT_URL"],
            region_name=region_name,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )
