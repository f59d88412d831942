"""SnapStart: what a snapshot of the process must not keep, and what each copy needs anew."""

import os
import random
import ssl
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from invoke_proxy.model import Model
from invoke_proxy.settings import Settings

_ENTROPY_BYTES = 32


def hooks(settings: Settings) -> Iterator[Route]:
    """Yield the routes that the Web Adapter calls, where SnapStart is configured."""
    if path := settings.aws_lwa_snapstart_before_checkpoint_path:
        yield Route(path, before_checkpoint, methods=["POST"])
    if path := settings.aws_lwa_snapstart_after_restore_path:
        yield Route(path, after_restore, methods=["POST"])


async def before_checkpoint(request: Request) -> Response:
    """Close the connections, which would not survive."""
    Model.of(request).renew()
    return Response(status_code=204)


async def after_restore(request: Request) -> Response:
    """Take credentials and entropy of this copy's own: all copies begin with the same."""
    random.seed()
    ssl.RAND_add(os.urandom(_ENTROPY_BYTES), _ENTROPY_BYTES)
    Model.of(request).renew()
    return Response(status_code=204)
