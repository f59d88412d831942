"""vLLM's routes, and SageMaker's, over one generator."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from msgspec import json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from embedded_aws.model_server.errors import EngineError
from embedded_aws.model_server.serving import health, json_response, respond_while_connected
from embedded_aws.model_server.vllm.adapters import Adapters
from embedded_aws.model_server.vllm.batch import Prepares
from embedded_aws.model_server.vllm.bodies import ChatRequest, CompletionRequest, read
from embedded_aws.model_server.vllm.chat import ChatWriter
from embedded_aws.model_server.vllm.completions import CompletionWriter
from embedded_aws.model_server.vllm.errors import VllmError, failed, of_http
from embedded_aws.model_server.vllm.flags import Flags
from embedded_aws.model_server.vllm.standards import (
    AnyBody,
    adapter_answer,
    read_adapter,
    read_invocation,
)
from embedded_aws.model_server.vllm.writer import Answer, Json

VERSION = "0.30.0"
Writer = CompletionWriter | ChatWriter


class App:
    """Owns the routes; a client that disconnects stops its generation."""

    def __init__(self, generator: Prepares, flags: Flags, adapters: Adapters | None) -> None:
        self._adapters = adapters  # None: vLLM has no routes for them
        self._generator = generator
        self._flags = flags
        self._started = int(time.time())

    def asgi(self) -> Starlette:
        """Return the application that a server runs."""
        return Starlette(
            routes=[
                Route("/ping", health, methods=["GET", "POST"]),
                Route("/health", health, methods=["GET"]),
                Route("/version", _version, methods=["GET"]),
                Route("/v1/models", self._models, methods=["GET"]),
                Route("/v1/completions", self._complete, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/invocations", self._invoke, methods=["POST"]),
                Route("/adapters", self._load, methods=["POST"]),
                Route("/adapters/{name}", self._unload, methods=["DELETE"]),
            ],
            exception_handlers={VllmError: _refuse, HTTPException: _refuse_http},
        )

    async def _complete(self, request: Request) -> Response:
        return await self._respond(request, read(await _json_body(request), CompletionRequest))

    async def _chat(self, request: Request) -> Response:
        return await self._respond(request, read(await _json_body(request), ChatRequest))

    async def _invoke(self, request: Request) -> Response:
        body = read_invocation(await _json_body(request), request.headers)
        return await self._respond(request, body)

    async def _load(self, request: Request) -> Response:
        if self._adapters is None:
            return _no_route()
        wanted = read_adapter(await request.body())
        await self._adapters.load(wanted.name, wanted.src)
        return adapter_answer(wanted.name, "registered", request.headers)

    async def _unload(self, request: Request) -> Response:
        if self._adapters is None:
            return _no_route()
        name = request.path_params["name"]
        await self._adapters.unload(name)
        return adapter_answer(name, "unregistered", request.headers)

    async def _respond(self, request: Request, body: AnyBody) -> Response:
        return await respond_while_connected(request, partial(self._answer, body))

    async def _answer(self, body: AnyBody) -> Response:
        try:
            answer, writer = await self._prepare(body)
            if body.stream:
                events = self._events(answer, writer)
                return StreamingResponse(events, media_type="text/event-stream; charset=utf-8")
            return json_response(writer.whole(await answer.batch.run_whole()))
        except VllmError as error:
            return json_response(error.body, error.status)
        except EngineError as error:
            refusal = failed(str(error))
            return json_response(refusal.body, refusal.status)

    async def _prepare(self, body: AnyBody) -> tuple[Answer, Writer]:
        if isinstance(body, ChatRequest):
            kind = "chat.completion.chunk" if body.stream else "chat.completion"
            answer = Answer("chatcmpl", kind, body, await self._generator.chat(body), self._flags)
            return answer, ChatWriter(answer, body)
        batch = await self._generator.complete(body)
        answer = Answer("cmpl", "text_completion", body, batch, self._flags)
        return answer, CompletionWriter(answer, body)

    async def _events(self, answer: Answer, writer: Writer) -> AsyncIterator[bytes]:
        try:
            for first in writer.first_chunks():
                yield _event(first)
            async with aclosing(answer.batch.run()) as run:
                async for index, step in run:
                    if chunk := writer.chunk(index, step):
                        yield _event(chunk)
            if answer.includes_usage:
                yield _event({**answer.head, "choices": [], "usage": answer.usage()})
        except VllmError as error:
            yield _event(error.body)
        yield b"data: [DONE]\n\n"

    async def _models(self, _: Request) -> Response:
        cards: list[Json] = [
            {
                "id": name,
                "object": "model",
                "created": self._started,
                "owned_by": "vllm",
                "root": self._flags.model,
                "parent": None if name in self._flags.names else self._flags.names[0],
                "max_model_len": self._generator.max_model_len,
                "permission": [],
            }
            for name in self._generator.names
        ]
        return json_response({"object": "list", "data": cards})


def _no_route() -> Response:
    return json_response({"detail": "Not Found"}, 404)


async def _version(_: Request) -> Response:
    return json_response({"version": VERSION})


async def _json_body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").lower().partition(";")[0]
    if media_type != "application/json":
        reason = "Unsupported Media Type: Only 'application/json' is allowed"
        raise of_http(400, f"1 validation error:\n  {reason}")
    return await request.body()


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, VllmError)  # noqa: S101 - Starlette's handlers are typed so
    return json_response(error.body, error.status)


async def _refuse_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    return json_response(of_http(error.status_code, error.detail).body, error.status_code)


def _event(content: Json) -> bytes:
    return b"data: " + json.encode(content) + b"\n\n"
