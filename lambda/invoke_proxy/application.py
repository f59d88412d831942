"""The web application: its routes, its error answers, and its lifespan."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from invoke_proxy.http.connection import CLIENT_TIMEOUT
from invoke_proxy.http.cors import allow_origins
from invoke_proxy.http.delivery import CLIENT_DISCONNECTED
from invoke_proxy.http.errors import ProxyError, error_body, status_of
from invoke_proxy.http.logs import Record, write_line
from invoke_proxy.http.playground import playground
from invoke_proxy.http.recorder import Recorder
from invoke_proxy.model import Model
from invoke_proxy.openai.chat import chat_completions
from invoke_proxy.openai.completions import completions
from invoke_proxy.openai.models import get_model, health, list_models
from invoke_proxy.openapi import openapi
from invoke_proxy.sagemaker.runtime import Runtime
from invoke_proxy.settings import Settings
from invoke_proxy.snapshots import hooks
from invoke_proxy.tgi.routes import ROUTES as TGI_ROUTES
from invoke_proxy.tgi.routes import generate, generate_stream, info, invocations
from invoke_proxy.tokens import Tokenizer

_ROUTES = (
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/completions", completions, methods=["POST"]),
    Route("/v1/models", list_models),
    Route("/v1/models/{model}", get_model),
    Route("/generate", generate, methods=["POST"]),
    Route("/generate_stream", generate_stream, methods=["POST"]),
    Route("/info", info),
    Route("/invocations", invocations, methods=["POST"]),
    Route("/", invocations, methods=["POST"]),
    Route("/health", health),
    Route("/playground", playground),
    Route("/openapi.json", openapi),
)

OpenRuntime = Callable[[str], AbstractAsyncContextManager[Runtime]]


def create_application(
    settings: Settings,
    open_runtime: OpenRuntime,
    load_tokenizer: Callable[[str], Tokenizer],
    write_log: Callable[[str], None] = write_line,
) -> ASGIApp:
    """Return the application; its lifespan opens and closes the endpoint's runtime."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, int]]:
        # In parallel: reading a vocabulary and a service model takes most of the cold start.
        loop = asyncio.get_running_loop()
        loading = loop.run_in_executor(None, load_tokenizer, settings.tokenizer)
        async with open_runtime(settings.endpoint_name) as runtime:
            app.state.model = Model(settings, await loading, runtime)
            yield {CLIENT_TIMEOUT: settings.client_timeout_seconds}

    handlers = {
        ProxyError: _refuse,
        HTTPException: _refuse_route,
        ClientDisconnect: _disconnected,
        Exception: _fail,
    }
    routes = [*_ROUTES, *hooks(settings)]
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    app.state.retry_after = settings.retry_after_seconds
    app.router.redirect_slashes = False  # The redirect would name this process's own port.
    served = allow_origins(app, settings.origins)
    return Recorder(served, settings, write_log)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer with an error; the one place that maps errors to the wire."""
    if not isinstance(error, ProxyError):
        raise error
    Record.of(request).fail(error)
    tgi = request.url.path in TGI_ROUTES
    headers = dict(error.kind.headers)
    # The plan says when a place is free; the others wait for something else.
    if error.code == "model_overloaded" and (seconds := request.app.state.retry_after):
        headers["Retry-After"] = str(seconds)
    return Response(
        error_body(error, tgi=tgi),
        status_code=status_of(error, tgi=tgi),
        headers=headers,
        media_type="application/json",
    )


async def _refuse_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = (
        "method_not_allowed"
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        else "unknown_url"
    )
    response = await _refuse(request, ProxyError(code))
    response.headers.update(error.headers or {})
    return response


async def _fail(request: Request, error: Exception) -> Response:
    del error
    return await _refuse(request, ProxyError("internal_error"))


async def _disconnected(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=CLIENT_DISCONNECTED)
