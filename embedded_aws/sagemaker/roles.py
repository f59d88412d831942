"""Clients that act as an execution role, so that a missing permission fails here as on AWS."""

from typing import Any

from embedded_aws.core import clients
from embedded_aws.core.emulator import region
from embedded_aws.core.rpc import invalid
from embedded_aws.iam.permissions import assume_role

_SERVICE = "sagemaker.amazonaws.com"


def credentials(role_arn: str) -> dict[str, str]:
    """Return the variables of a program that acts as the role; raises ServiceError."""
    try:
        return assume_role(role_arn, _SERVICE)
    except PermissionError as error:
        raise invalid(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            f"principal '{_SERVICE}' to assume the role."
        ) from error


def client(role_arn: str, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a boto3 client of the embedded AWS that acts as the role."""
    key, secret, token = credentials(role_arn).values()
    return clients.client(
        service,
        region_name=region(),
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )
