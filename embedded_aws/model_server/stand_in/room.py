"""The stand-in's room: TGI's wire over a batch for each instance, and no weights."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from contextvars import ContextVar

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from embedded_aws.core.circumstances import ServiceModel
from embedded_aws.model_server.serving import Room
from embedded_aws.model_server.stand_in import INSTANCE_HEADER
from embedded_aws.model_server.stand_in.batch import Batch
from embedded_aws.model_server.tgi.app import App
from embedded_aws.model_server.tgi.settings import Settings, read_settings
from embedded_aws.model_server.tgi.validation import check_request
from embedded_aws.model_server.tgi.wire import (
    GenerateRequest,
    GenerateResponse,
    StreamDetails,
    StreamResponse,
    TgiError,
    Token,
)

SERVICE_MODEL, TIME_SCALE = "STAND_IN_SERVICE_MODEL", "STAND_IN_TIME_SCALE"
_TOKEN = Token(id=272, text=" word", logprob=-1.0, special=False)
_instance = ContextVar("instance", default="0")


class StandIn:
    """Answers as many tokens as a request asks for at most; each instance admits its own."""

    def __init__(self, settings: Settings, model: ServiceModel, time_scale: float) -> None:
        self._settings = settings
        self._batches: defaultdict[str, Batch] = defaultdict(lambda: Batch(model, time_scale))

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[StreamResponse]:
        """Yield an event for each token; raises TgiError."""
        batch = self._batches[_instance.get()]
        if len(batch) >= self._settings.max_concurrent_requests:
            raise TgiError("overloaded", "Model is overloaded")
        check_request(request, self._settings)
        limit, come = request.parameters.max_new_tokens, 0
        async with aclosing(batch.generate(len(request.inputs.split()), limit)) as tokens:
            async for _ in tokens:
                come += 1
                event = StreamResponse(token=_TOKEN)
                if come == limit:
                    event.generated_text = limit * _TOKEN.text
                    if request.parameters.details:
                        event.details = StreamDetails("length", come, None)
                yield event

    async def answer(self, request: GenerateRequest) -> GenerateResponse:
        """Return a whole answer; raises TgiError."""
        async with aclosing(self.stream(request)) as events:
            texts = [event.generated_text async for event in events]
        return GenerateResponse(texts[-1] or "")


class _ToInstance:
    """Notes which instance a request goes to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _instance.set(Headers(scope=scope).get(INSTANCE_HEADER, "0"))
        await self._app(scope, receive, send)


def furnish(environment: Mapping[str, str]) -> Room:
    """Take what the environment says; raises SettingsError."""
    settings = read_settings(environment)
    model = msgspec.json.decode(environment[SERVICE_MODEL], type=ServiceModel)
    stand_in = StandIn(settings, model, float(environment[TIME_SCALE]))
    app = App(stand_in, settings).asgi()
    app.add_middleware(_ToInstance)
    return Room(app, f"stands in for {settings.hf_model_id}")
