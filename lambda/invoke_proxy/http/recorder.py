"""The outermost layer: each request's context, record and log line; no exception passes it."""

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from invoke_proxy.http.connection import CLIENT_STALLED
from invoke_proxy.http.context import RequestContext
from invoke_proxy.http.logs import Record
from invoke_proxy.settings import Settings

# The Web Adapter's own: it polls the first every few milliseconds at the start.
_NOT_LOGGED = frozenset({"health", "before_checkpoint", "after_restore"})


class Recorder:
    """Gives each request its context and record, and writes its log line."""

    def __init__(self, app: ASGIApp, settings: Settings, write: Callable[[str], None]) -> None:
        self._app = app
        self._settings = settings
        self._work = settings.work_of_request
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, and log how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = RequestContext.from_headers(Headers(scope=scope))
        settings = self._settings
        record = Record(context, settings.model_id, settings.endpoint_name, self._work)
        scope.setdefault("state", {}).update(context=context, record=record, send_body=send)

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = context.request_id
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold a prompt
            record.fail(error)
        finally:
            if scope["state"].get(CLIENT_STALLED):
                record.error = CLIENT_STALLED
            # The function's name: a path that is not a route could contain anything.
            operation = getattr(scope.get("endpoint"), "__name__", "unknown")
            if operation not in _NOT_LOGGED:
                self._write(record.line(operation))
