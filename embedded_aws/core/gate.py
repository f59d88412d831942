"""The gate: only this user's programs may talk to the embedded AWS, and no web page.

A browser that shows a foreign page sends what the page asks for to any port of this machine, and
tells of it in `Host`, `Origin` and `Sec-Fetch-Site`. Everything else is asked for its signature.
"""

import json
import logging
import re
from collections.abc import Awaitable, Callable

from embedded_aws.core.emulator import Json, Response
from embedded_aws.host import health

Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]
Application = Callable[[Json, Receive, Send], Awaitable[None]]

_CONTROL = re.compile(r"/*_(ministack|localstack)", re.IGNORECASE)
# What a custom resource's function answers to: AWS signs such an address in advance, here nobody
# can guess it.
_CUSTOM_RESOURCE = re.compile(r"/_ministack/cfn-response/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Its clients have keys of their own, or sign for IAM where the API asks for it.
_DEPLOYED_API = "/_aws/execute-api/"
_PLAYGROUND = re.compile(rf"{_DEPLOYED_API}[^/]+/[^/]+/playground")
_NAMES = ("127.0.0.1", "localhost")
# What SDKs send for a bucket when they are given http://localhost or http://s3.localhost
_BUCKET_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\.(s3\.)?localhost")
_MAX_LOGGED = 10_000  # a page must not fill the disk

_log = logging.getLogger(__name__)


def refusal(scope: Json, port: int, *, cross_origin: bool = False) -> str | None:
    """Return why a request is refused, whoever signed it; None if nothing speaks against it.

    `cross_origin`: it is for a deployed API that decides itself which pages may call it.
    """
    reasons = (
        _protocol_fault(scope),
        _host_fault(scope, port),
        None if cross_origin else _origin_fault(scope) or _site_fault(scope),
        _route_fault(scope),
    )
    return next(filter(None, reasons), None)


def _protocol_fault(scope: Json) -> str | None:
    if scope["type"] != "http" or scope["http_version"] not in ("1.0", "1.1"):
        return "it is not a plain HTTP/1 request"
    if not scope["path"].startswith("/"):  # a proxy's form, whose host is not `Host`
        return "its target is not a path"
    return None


def _host_fault(scope: Json, port: int) -> str | None:
    host = _only(scope, b"host")
    return None if host and _is_ours(host, port) else f"its Host is foreign: {host!r}"


def _origin_fault(scope: Json) -> str | None:
    if scope.get("method") == "OPTIONS":
        return "preflights are not answered"
    ours = f"http://{_only(scope, b'host')}"
    origin = _only(scope, b"origin", default=ours)
    return None if origin == ours else f"its Origin is foreign: {origin!r}"


def _site_fault(scope: Json) -> str | None:
    site = _only(scope, b"sec-fetch-site", default="none")
    if site in ("none", "same-origin") or _opens_playground(scope):
        return None
    return f"another site's page sent it: Sec-Fetch-Site {site!r}"


def _route_fault(scope: Json) -> str | None:
    closed = _CONTROL.match(scope["path"]) and not (
        _asks_for_health(scope) or _answers_for_resource(scope)
    )
    return "ministack's control routes are closed" if closed else None


def needs_signature(scope: Json, port: int) -> bool:
    """Return whether AWS would ask for a signature: the deployed API and health do not.

    The address that a custom resource answers to is signed in advance.
    """
    if _asks_for_health(scope) or _answers_for_resource(scope):
        return False
    return not (scope["path"].startswith(_DEPLOYED_API) and _is_plain(_only(scope, b"host"), port))


def _only(scope: Json, name: bytes, default: str | None = None) -> str | None:
    """Return the value of a header, lower-cased; None when it comes twice."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    if not values:
        return default
    return values[0].decode("latin-1").strip().lower() if len(values) == 1 else None


def _is_plain(host: str | None, port: int) -> bool:
    return host in {f"{name}:{port}" for name in _NAMES} or (port == 80 and host in _NAMES)  # noqa: PLR2004 - HTTP's own


def _is_ours(host: str, port: int) -> bool:
    name, _, given = host.partition(":")
    bucket = _BUCKET_HOST.fullmatch(name) is not None and given == str(port)
    return _is_plain(host, port) or bucket


def _opens_playground(scope: Json) -> bool:
    """Return whether somebody follows a link to the playground, which gives nothing away."""
    return bool(
        scope["method"] == "GET"
        and _only(scope, b"sec-fetch-mode") == "navigate"
        and _only(scope, b"sec-fetch-dest") == "document"
        and _PLAYGROUND.fullmatch(scope["path"]) is not None
    )


def _asks_for_health(scope: Json) -> bool:
    return bool(scope["method"] == "GET" and scope["path"] == health.PATH)


def _answers_for_resource(scope: Json) -> bool:
    return scope["method"] == "PUT" and _CUSTOM_RESOURCE.fullmatch(scope["path"]) is not None


class Gate:
    """An ASGI application that hands to another what may pass.

    `allows_origins(path)` tells whether a deployed API answers preflights,
    `failure(scope, body)` verifies a signature, `names_root(scope)` tells whether it must be
    verified although the deployed API, which verifies those of its own callers, is asked.
    """

    def __init__(
        self,
        application: Application,
        port: int,
        *,
        names_root: Callable[[Json], bool],
        allows_origins: Callable[[str], bool],
        failure: Callable[[Json, bytes], Response | None],
    ) -> None:
        self._application = application
        self._port = port
        self._names_root = names_root
        self._allows_origins = allows_origins
        self._failure = failure
        self._logged = 0

    async def __call__(self, scope: Json, receive: Receive, send: Send) -> None:
        """Serve one connection of the ASGI protocol."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        cross_origin = self._is_cross_origin(scope)
        if reason := refusal(scope, self._port, cross_origin=cross_origin):
            self._log(scope, reason)
            await _refuse(scope, send, reason)
        elif needs_signature(scope, self._port) or self._names_root(scope):
            await self._serve_signed(scope, receive, _without_cors(send))
        else:
            await self._application(scope, receive, send if cross_origin else _without_cors(send))

    def _is_cross_origin(self, scope: Json) -> bool:
        path: str = scope["path"]
        return path.startswith(_DEPLOYED_API) and self._allows_origins(path)

    async def _serve_signed(self, scope: Json, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        if response := self._failure(scope, body):
            self._log(scope, "its signature is not valid")
            await _answer(scope, send, *response)
            return
        whole = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Json:
            return next(whole, None) or await receive()

        await self._application(scope, replay, send)

    def _log(self, scope: Json, reason: str) -> None:
        self._logged += 1
        if self._logged <= _MAX_LOGGED:
            method = scope.get("method", scope["type"])
            _log.warning("refused %s %.200r: %s", method, scope["path"], reason)


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body; None when the client disconnects first."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _without_cors(send: Send) -> Send:
    """Drop what would let another origin's page read an answer: ministack allows it to all."""

    async def send_without(message: Json) -> None:
        if message["type"] == "http.response.start":
            headers = [pair for pair in message["headers"] if not _is_cors(pair[0])]
            message = {**message, "headers": headers}
        await send(message)

    return send_without


def _is_cors(name: bytes) -> bool:
    return name.lower().startswith(b"access-control-")


async def _refuse(scope: Json, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    body = json.dumps({"message": f"the embedded AWS refuses this request: {reason}"}).encode()
    headers = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
    await _answer(scope, send, 403, headers, body)


async def _answer(scope: Json, send: Send, status: int, headers: Json, body: bytes) -> None:
    kept = {**headers, "Content-Length": str(len(body)), "Connection": "close"}
    raw = [(k.encode("latin-1"), str(v).encode("latin-1", "replace")) for k, v in kept.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
