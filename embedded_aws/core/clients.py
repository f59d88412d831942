"""Clients of the embedded AWS itself, for the parts of it that live in other threads."""

import os
import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from embedded_aws.core.emulator import account_id, region

# A pipeline's Lambda step may last ten minutes, and must not be run twice because it does.
_CONFIG = Config(read_timeout=600, retries={"total_max_attempts": 1})
_one_at_a_time = threading.Lock()
_OWN_ACCOUNT = account_id()  # of no request: that of the home's own credentials


@cache
def _session() -> Any:  # noqa: ANN401 - boto3 has no types
    return boto3.session.Session()


def client(service: str, **settings: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a boto3 client with these settings.

    Without credentials it may do anything in the account and region of the current request.
    """
    if "aws_access_key_id" not in settings:
        settings = {"region_name": region(), **_root(account_id()), **settings}
    return _made(service, **settings)


def _root(account: str) -> dict[str, str]:
    if account == _OWN_ACCOUNT:
        return {}
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    return {"aws_access_key_id": account, "aws_secret_access_key": secret}


@cache
def _made(service: str, **settings: str) -> Any:  # noqa: ANN401 - likewise
    # one session, which reads each service's model once; threads must not use it at the same time
    with _one_at_a_time:
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        return _session().client(service, endpoint_url=endpoint, config=_CONFIG, **settings)
