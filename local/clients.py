"""Clients of the embedded AWS itself, for the parts of it that live in other threads."""

import os
import threading
from functools import cache
from typing import Any

import boto3

_one_at_a_time = threading.Lock()


@cache
def _session() -> Any:  # noqa: ANN401 - boto3 has no types
    return boto3.session.Session()


@cache
def client(service: str, **settings: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """A boto3 client with these settings; without credentials among them it may do anything."""
    # one session, which reads each service's model once; threads must not use it at the same time
    with _one_at_a_time:
        return _session().client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], **settings)
