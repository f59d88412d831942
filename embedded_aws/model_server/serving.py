"""The HTTP server around a room: it ends with a signal, or with its parent."""

import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
import uvicorn
from msgspec import json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

_CLIENT_CLOSED_REQUEST = 499


@dataclass(frozen=True)
class Room:
    """A server's application, with its model loaded, and the log line that says so."""

    app: Starlette
    loaded: str


def serve(room: Room, environment: Mapping[str, str], parent: int) -> None:
    """Answer on UVICORN_UDS, or else on PORT, until `parent` is gone."""

    async def stop_without_parent() -> None:
        server.should_exit |= os.getppid() != parent

    server = uvicorn.Server(
        uvicorn.Config(
            room.app,
            host="127.0.0.1",
            port=int(environment.get("PORT", "8080")),
            uds=environment.get("UVICORN_UDS"),
            log_level="warning",
            timeout_graceful_shutdown=1,
            callback_notify=stop_without_parent,
            timeout_notify=1,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


async def health(_: Request) -> Response:
    """Answer a health check: the model is loaded before the port is bound."""
    return Response()


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response whose body is JSON."""
    return Response(json.encode(content), status, headers, "application/json")


async def respond_while_connected(
    request: Request, respond: Callable[[], Awaitable[Response]]
) -> Response:
    """Return the response, unless the client disconnects: what `respond` does ends then."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when_client_disconnects, request, tasks.cancel_scope)
        response = await respond()
        tasks.cancel_scope.cancel()
        return response
    return Response(status_code=_CLIENT_CLOSED_REQUEST)


async def _cancel_when_client_disconnects(request: Request, scope: anyio.CancelScope) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
