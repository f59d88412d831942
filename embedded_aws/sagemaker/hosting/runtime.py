"""SageMaker's data plane: InvokeEndpoint and InvokeEndpointWithResponseStream."""

import asyncio
import json
import re
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp

from embedded_aws.core.emulator import (
    MAX_CHUNK_BYTES,
    Chunks,
    Json,
    Response,
    Write,
    account_id,
    encode_event,
    stream,
)
from embedded_aws.iam.permissions import deny
from embedded_aws.model_server.stand_in import INSTANCE_HEADER
from embedded_aws.sagemaker.components import routing
from embedded_aws.sagemaker.hosting import metrics, targets, traffic

# The walls that SageMaker puts around a request: see docs/architecture.md.
_RESPONSE_SECONDS = 60
_STREAM_SECONDS = 480
_MAX_PAYLOAD_BYTES = 6_291_456

_OK = 200
_URL = "http://localhost/invocations"  # through the container's socket
_ACTIONS = {
    "invocations": "InvokeEndpoint",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "async-invocations": "InvokeEndpointAsync",
}
_PATH = re.compile(rf"^/endpoints/([^/]+)/({'|'.join(_ACTIONS)}|openai/.+)$")


def matches(path: str, _headers: dict[str, str]) -> bool:
    """Return whether a request is for the data plane."""
    return _PATH.match(path) is not None


async def handle(
    _method: str, path: str, headers: dict[str, str], body: bytes, query: Json
) -> Response:
    """Forward one invocation to the endpoint's container."""
    matched = _PATH.match(path)
    assert matched is not None  # noqa: S101 - `matches` routed it here
    name, operation = matched.groups()
    if operation not in _ACTIONS:
        problem = (
            f"SageMaker's OpenAI route is not emulated, got {path}: use InvokeEndpoint or"
            " InvokeEndpointWithResponseStream."
        )
        return _error(400, "ValidationError", problem)
    action = _ACTIONS[operation]
    refusal = _denial(action, name, headers, query) or _refusal(action, body)
    if refusal:
        return refusal
    try:
        return await _forward(name, action, headers, body)
    except routing.AimError as error:
        return _error(400, "ValidationError", str(error), error.details)
    except routing.UnknownAdapterError as error:
        return _container_error(404, error.text.encode())
    except (aiohttp.ClientError, TimeoutError) as fault:
        message = f"Received server error (0) from primary: {type(fault).__name__}"
        return _model_error(message, 0, "")


async def _forward(name: str, action: str, headers: dict[str, str], body: bytes) -> Response:
    aim = routing.aim(name, headers)
    with ExitStack() as taken:
        turn = taken.enter_context(traffic.request(aim.served))
        if turn is None:
            missing = f"Endpoint {name} of account {account_id()} not found."
            return _error(400, "ValidationError", missing)
        if problem := targets.refusal(name, headers):
            return _error(400, "ValidationError", problem)
        invoked = targets.invoked(name)
        content_type = headers.get("content-type", "application/json")
        given = {"Content-Type": content_type, INSTANCE_HEADER: str(turn.instance), **aim.headers}
        socket = turn.container.socket
        await asyncio.sleep(turn.container.delay_seconds(busy=traffic.is_busy(turn.container)))
        if action == "InvokeEndpoint":
            answer = await _invoke(socket, given, body, invoked)
        else:
            answer = await _invoke_streamed(socket, given, body, invoked, taken)
        metrics.count(name, turn.instances, _status(answer))
        return answer


def _status(answer: Response) -> int:
    """Return the container's own status."""
    status, _headers, body = answer
    return status if status == _OK else int(json.loads(body)["OriginalStatusCode"])


def _denial(action: str, name: str, headers: dict[str, str], query: Json) -> Response | None:
    for resource in routing.resources(name, headers):
        if denied := deny(f"sagemaker:{action}", resource, headers, query):
            return denied
    return None


def _refusal(action: str, body: bytes) -> Response | None:
    if action == "InvokeEndpointAsync":
        problem = (
            "InvokeEndpointAsync is not emulated: use InvokeEndpoint or"
            " InvokeEndpointWithResponseStream."
        )
        return _error(400, "ValidationError", problem)
    if len(body) > _MAX_PAYLOAD_BYTES:
        return _error(413, "ValidationError", f"payload over {_MAX_PAYLOAD_BYTES} bytes")
    return None


def _session(socket: Path, seconds: float) -> aiohttp.ClientSession:
    limit = aiohttp.ClientTimeout(total=seconds)
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(str(socket)), read_bufsize=MAX_CHUNK_BYTES, timeout=limit
    )


async def _invoke(
    socket: Path, headers: dict[str, str], body: bytes, invoked: dict[str, str]
) -> Response:
    async with (
        _session(socket, _RESPONSE_SECONDS) as session,
        session.post(_URL, data=body, headers=headers) as answer,
    ):
        content = await answer.read()
        if answer.status >= 400:  # noqa: PLR2004 - any HTTP error
            return _container_error(answer.status, content)
        return 200, {**invoked, "Content-Type": answer.content_type}, content


async def _invoke_streamed(
    socket: Path,
    headers: dict[str, str],
    body: bytes,
    invoked: dict[str, str],
    taken: ExitStack,
) -> Response:
    session = _session(socket, _STREAM_SECONDS)
    try:
        answer = await session.post(_URL, data=body, headers=headers)
        if answer.status >= 400:  # noqa: PLR2004 - any HTTP error
            content = await answer.read()
            await session.close()
            return _container_error(answer.status, content)
    except BaseException:
        await session.close()
        raise
    response_headers = {
        **invoked,
        "x-Amzn-SageMaker-Content-Type": answer.content_type,
        "Content-Type": "application/vnd.amazon.eventstream",
    }
    return 200, response_headers, stream(_payload_parts(session, answer, taken.pop_all()))


def _payload_parts(
    session: aiohttp.ClientSession, answer: aiohttp.ClientResponse, taken: ExitStack
) -> Chunks:
    async def write_parts(write: Write) -> None:
        try:
            async for part in answer.content.iter_chunked(MAX_CHUNK_BYTES):
                await write(_event("PayloadPart", "application/octet-stream", part))
        except TimeoutError:
            await write(_stream_error("ModelInvocationTimeExceeded"))
        except aiohttp.ClientError:
            await write(_stream_error("StreamBroken"))
        finally:
            # Closing the connection is what tells the container that nobody listens any more.
            with suppress(aiohttp.ClientError):
                answer.close()
            taken.close()
            await asyncio.shield(session.close())

    return write_parts


def _event(kind: str, content_type: str, payload: bytes) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": content_type}
    return encode_event(headers, payload)


def _stream_error(code: str) -> bytes:
    headers = {
        ":message-type": "exception",
        ":exception-type": "ModelStreamError",
        ":content-type": "application/json",
    }
    message = "The model stream ended before it was complete."
    return encode_event(headers, json.dumps({"Message": message, "ErrorCode": code}).encode())


def _container_error(status: int, content: bytes) -> Response:
    text = content.decode(errors="replace")
    side = "client" if status < 500 else "server"  # noqa: PLR2004 - HTTP classes
    message = f'Received {side} error ({status}) from primary with message "{text}".'
    return _model_error(message, status, text)


def _model_error(message: str, status: int, original: str) -> Response:
    details = {"OriginalStatusCode": status, "OriginalMessage": original, "LogStreamArn": ""}
    return _error(424, "ModelError", message, details)


def _error(status: int, code: str, message: str, details: Json | None = None) -> Response:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"Message": message, **(details or {})}).encode()
