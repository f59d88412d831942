"""Clients of the embedded AWS itself, for the parts of it that live in other threads."""

import os
import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from embedded_aws.core.emulator import account_id, region

# The parts of a large object take minutes to join, and so may a pipeline's Lambda step. What a step
# calls is repeated by the pipeline's own policies only: it must not run twice because it is slow.
# So it needs a new connection: one that was kept may just be closed by the server.
_SECONDS = 600
_REPEATED = Config(read_timeout=_SECONDS, retries={"mode": "standard"})
_ONCE = Config(read_timeout=_SECONDS, retries={"total_max_attempts": 1})
_CALLED_BY_STEPS = {"lambda", "sagemaker"}
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
        once = service in _CALLED_BY_STEPS
        config = _ONCE if once else _REPEATED
        made = _session().client(service, endpoint_url=endpoint, config=config, **settings)
        if once:
            made.meta.events.register("before-send", _keep_no_connection)
        return made


def _keep_no_connection(request: Any, **_: object) -> None:  # noqa: ANN401 - likewise
    request.headers["Connection"] = "close"
