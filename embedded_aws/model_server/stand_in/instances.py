"""What the stand-ins for all servers have in common: a batch for each instance, and no weights."""

from collections import defaultdict
from collections.abc import Mapping
from contextvars import ContextVar

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from embedded_aws.core.circumstances import ServiceModel
from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.stand_in import INSTANCE_HEADER
from embedded_aws.model_server.stand_in.batch import Batch

SERVICE_MODEL, TIME_SCALE = "STAND_IN_SERVICE_MODEL", "STAND_IN_TIME_SCALE"
_instance = ContextVar("instance", default="0")


class Instances:
    """Owns the batches, each of which runs a number of requests at most; the others wait."""

    def __init__(self, environment: Mapping[str, str], max_running: int | None = None) -> None:
        model = msgspec.json.decode(environment[SERVICE_MODEL], type=ServiceModel)
        time_scale = float(environment[TIME_SCALE])
        self._batches: defaultdict[str, Batch] = defaultdict(
            lambda: Batch(model, time_scale, max_running)
        )

    def batch(self) -> Batch:
        """Return the batch of the instance that the request at hand goes to."""
        return self._batches[_instance.get()]


class _ToInstance:
    """Notes which instance a request goes to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _instance.set(Headers(scope=scope).get(INSTANCE_HEADER, "0"))
        await self._app(scope, receive, send)


def room(app: Starlette, model: str) -> Room:
    """Return the room of a server that stands in for a model."""
    app.add_middleware(_ToInstance)
    return Room(app, f"stands in for {model}")
