"""Clients of the embedded AWS itself, for the parts of it that live in other threads."""

import os
import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# A pipeline's Lambda step may last ten minutes, and must not be run twice because it does.
_CONFIG = Config(read_timeout=600, retries={"total_max_attempts": 1})
_one_at_a_time = threading.Lock()


@cache
def _session() -> Any:  # noqa: ANN401 - boto3 has no types
    return boto3.session.Session()


@cache
def client(service: str, **settings: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a boto3 client with these settings; without credentials it may do anything."""
    # one session, which reads each service's model once; threads must not use it at the same time
    with _one_at_a_time:
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        return _session().client(service, endpoint_url=endpoint, config=_CONFIG, **settings)
