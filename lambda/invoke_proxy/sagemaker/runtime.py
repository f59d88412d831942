"""The SageMaker runtime: invocations with a response stream, and their retries."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Protocol

from botocore.exceptions import BotoCoreError

from invoke_proxy.http.errors import EndpointError
from invoke_proxy.sagemaker.event_stream import EventStream, EventStreamError, Message
from invoke_proxy.sagemaker.faults import service_fault
from invoke_proxy.sagemaker.signing import Signer, invocation_path
from invoke_proxy.sagemaker.transport import BROKEN, Connection, Host

_ATTEMPTS = 3
_BACKOFF_SECONDS = 0.25
_RETRIED = frozenset({"endpoint_error", "endpoint_throttled", "endpoint_unavailable"})


class _StaleConnectionError(EndpointError):
    """A kept connection that the peer closed before it was used again."""


class Runtime(Protocol):
    """What the proxy needs from an endpoint."""

    def invoke(self, body: bytes, component: str | None) -> AsyncGenerator[bytes]:
        """Yield the answer's bytes, cut anywhere; raise EndpointError. Closing it cancels.

        The inference component answers, on an endpoint that has them.
        """
        ...

    def renew(self) -> None:
        """Drop the idle connections and the credentials."""
        ...


class SageMakerRuntime:
    """One endpoint's InvokeEndpointWithResponseStream."""

    def __init__(self, endpoint_name: str, signer: Signer, host: Host) -> None:
        self._path = invocation_path(endpoint_name)
        self._signer = signer
        self._host = host

    async def invoke(self, body: bytes, component: str | None) -> AsyncGenerator[bytes]:
        """Yield what has come of the response stream; retry, but only before the first of it."""
        for attempt in range(1, _ATTEMPTS + 1):
            begun = False
            try:
                async with self._response(body, component) as response:
                    stream = EventStream()
                    while received := await response.read():
                        parts: list[bytes] = []
                        try:
                            for message in stream.feed(received):
                                parts.append(_payload(message))  # noqa: PERF401 - those before a fault stay
                        except (EndpointError, EventStreamError):
                            if begun := begun or bool(parts):
                                yield b"".join(parts)
                            raise
                        if parts:
                            begun = True
                            yield parts[0] if len(parts) == 1 else b"".join(parts)
            except EndpointError as error:
                if begun or attempt == _ATTEMPTS or error.code not in _RETRIED:
                    raise
                await self._wait(attempt, error)
            else:
                return

    def renew(self) -> None:
        """Drop the idle connections and the credentials."""
        self._host.close()
        self._signer.renew()

    async def _wait(self, attempt: int, error: EndpointError) -> None:
        if isinstance(error, _StaleConnectionError):
            self._host.close()  # The other kept connections are as old.
            return
        jitter = random.random()  # noqa: S311 - spreads retries, keeps no secret
        await asyncio.sleep(jitter * _BACKOFF_SECONDS * 2**attempt)

    @asynccontextmanager
    async def _response(self, body: bytes, component: str | None) -> AsyncGenerator[Connection]:
        """Lend the connection once its response has begun; raise EndpointError for every fault."""
        broken = "endpoint_unavailable"
        try:
            headers = self._signer.headers(self._path, body, component)
            async with self._host.connection() as connection:
                try:
                    status = await connection.post(self._path, headers, body)
                except BROKEN as error:
                    if connection.kept:
                        raise _StaleConnectionError("endpoint_unavailable") from error
                    raise
                if status != HTTPStatus.OK:
                    raise await _refusal(connection)
                broken = "stream_interrupted"
                yield connection
        except (*BROKEN, EventStreamError) as error:
            raise EndpointError(broken, type(error).__name__) from None
        except BotoCoreError as error:
            raise EndpointError("endpoint_refused", type(error).__name__) from None


@asynccontextmanager
async def sagemaker_runtime(endpoint_name: str) -> AsyncIterator[Runtime]:
    """Open the runtime of the usual AWS environment, `AWS_ENDPOINT_URL` included."""
    signer = Signer()
    host = Host(signer.url, signer.ca_file)
    try:
        yield SageMakerRuntime(endpoint_name, signer, host)
    finally:
        host.close()


async def _refusal(connection: Connection) -> EndpointError:
    body = b""
    while chunk := await connection.read():
        body += chunk
    named = connection.headers.get(b"x-amzn-errortype", b"").decode("latin-1")
    code = named.partition(":")[0].rpartition("#")[2]
    return service_fault(code, connection.status, body)


def _payload(message: Message) -> bytes:
    headers = message.headers
    if headers.get(":message-type") == "event":
        return message.payload
    code = headers.get(":exception-type") or headers.get(":error-code") or ""
    raise service_fault(code, 0, message.payload)
