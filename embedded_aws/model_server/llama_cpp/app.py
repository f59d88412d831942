"""What nginx does in AWS's image: it maps SageMaker's routes, and passes on the others."""

from collections.abc import AsyncIterator
from functools import partial

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from embedded_aws.model_server.engine import Engine
from embedded_aws.model_server.serving import respond_while_connected

_PATHS = {"/ping": "/health", "/invocations": "/v1/chat/completions"}
_METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
_PASSED_ON = ("content-type", "authorization", "accept")


class App:
    """Hands each request to llama-server; a client that disconnects stops its generation."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def asgi(self) -> Starlette:
        """Return the application that a server runs."""
        return Starlette(routes=[Route("/{path:path}", self._pass_on, methods=_METHODS)])

    async def _pass_on(self, request: Request) -> Response:
        asked = self._engine.http.build_request(
            request.method,
            httpx.URL(
                _PATHS.get(request.url.path, request.url.path), query=request.url.query.encode()
            ),
            headers={name: request.headers[name] for name in _PASSED_ON if name in request.headers},
            content=await request.body(),
        )
        return await respond_while_connected(request, partial(self._answer, asked))

    async def _answer(self, asked: httpx.Request) -> Response:
        answer = await self._engine.http.send(asked, stream=True)
        return StreamingResponse(
            _body(answer), answer.status_code, media_type=answer.headers.get("content-type")
        )


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
