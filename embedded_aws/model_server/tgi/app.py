"""TGI 1.1's routes, and SageMaker's, over one generator."""

import dataclasses
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Protocol

from msgspec import DecodeError, ValidationError, json, structs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from embedded_aws.model_server.errors import EngineError
from embedded_aws.model_server.packaged import MODEL_ID
from embedded_aws.model_server.serving import health, json_response, respond_while_connected
from embedded_aws.model_server.tgi.settings import Settings
from embedded_aws.model_server.tgi.wire import (
    GenerateRequest,
    GenerateResponse,
    StreamResponse,
    TgiError,
)

MAX_BODY_BYTES = 2 * 1024 * 1024  # TGI's web framework refuses more
STREAM_HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


class Generates(Protocol):
    """What answers requests; raises TgiError and EngineError."""

    def stream(self, request: GenerateRequest) -> AsyncGenerator[StreamResponse]:
        """Yield an event for each token."""
        ...

    async def answer(self, request: GenerateRequest) -> GenerateResponse:
        """Return the whole answer."""
        ...


class App:
    """Owns the routes; a client that disconnects stops its generation."""

    def __init__(self, generator: Generates, settings: Settings) -> None:
        self._generator = generator
        self._settings = settings

    def asgi(self) -> Starlette:
        """Return the application that a server runs."""
        return Starlette(
            routes=[
                *(Route(path, health, methods=["GET"]) for path in ("/", "/health", "/ping")),
                *(Route(path, self._invoke, methods=["POST"]) for path in ("/", "/invocations")),
                Route("/generate", self._generate, methods=["POST"]),
                Route("/generate_stream", self._generate_stream, methods=["POST"]),
                Route("/info", self._info, methods=["GET"]),
            ]
        )

    async def _generate(self, request: Request) -> Response:
        return await self._answer(request, await _body(request))

    async def _generate_stream(self, request: Request) -> Response:
        return self._stream(await _body(request))

    async def _invoke(self, request: Request) -> Response:
        body = await _body(request)
        if body.parameters.return_full_text is None:
            # TGI goes by the model's tag on the hub, and model data has none
            tagged = self._settings.hf_model_id == MODEL_ID
            parameters = structs.replace(body.parameters, return_full_text=tagged)
            body = structs.replace(body, parameters=parameters)
        return self._stream(body) if body.stream else await self._answer(request, body, listed=True)

    async def _answer(
        self, request: Request, body: GenerateRequest, *, listed: bool = False
    ) -> Response:
        respond = partial(self._answer_or_refuse, body, listed=listed)
        return await respond_while_connected(request, respond)

    async def _answer_or_refuse(self, body: GenerateRequest, *, listed: bool) -> Response:
        start = time.monotonic()
        try:
            answer = await self._generator.answer(body)
        except (TgiError, EngineError) as error:
            refusal = _refusal(error)
            return json_response(refusal.body, refusal.status)
        milliseconds = str(round((time.monotonic() - start) * 1000))
        times = {"x-compute-time": milliseconds, "x-total-time": milliseconds}
        return json_response([answer] if listed else answer, headers=_compute_headers(body) | times)

    def _stream(self, body: GenerateRequest) -> Response:
        headers = STREAM_HEADERS | _compute_headers(body)
        return StreamingResponse(self._events(body), headers=headers)

    async def _events(self, body: GenerateRequest) -> AsyncIterator[bytes]:
        try:
            async with aclosing(self._generator.stream(body)) as events:
                async for event in events:
                    yield b"data:" + json.encode(event) + b"\n\n"
        except (TgiError, EngineError) as error:
            yield b"data:" + json.encode(_refusal(error).body) + b"\n\n"

    async def _info(self, _: Request) -> Response:
        settings = dataclasses.asdict(self._settings)
        limits = {name: value for name, value in settings.items() if name.startswith("max_")}
        model = {"model_id": self._settings.hf_model_id, "model_device_type": "cpu"}
        return json_response(model | limits | {"version": "1.1.0"})


def _refusal(error: TgiError | EngineError) -> TgiError:
    if isinstance(error, TgiError):
        return error
    return TgiError("generation", f"Request failed during generation: {error}")


async def _body(request: Request) -> GenerateRequest:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise HTTPException(415, "Expected request with `Content-Type: application/json`")
    raw = await request.body()
    if len(raw) > MAX_BODY_BYTES:
        raise HTTPException(413, "Failed to buffer the request body: length limit exceeded")
    try:
        return json.decode(raw, type=GenerateRequest)
    except ValidationError as error:
        reason = f"Failed to deserialize the JSON body into the target type: {error}"
        raise HTTPException(422, reason) from error
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, f"Failed to parse the request body as JSON: {error}") from error


def _compute_headers(body: GenerateRequest) -> dict[str, str]:
    return {"x-compute-type": "cpu", "x-compute-characters": str(len(body.inputs))}
