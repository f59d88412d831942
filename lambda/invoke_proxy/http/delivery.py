"""Sends an answer while it is made: deadline, keep-alive, disconnects, late faults."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from invoke_proxy.http.context import RequestContext
from invoke_proxy.http.errors import EndpointError, ProxyError, error_body
from invoke_proxy.http.logs import Record

CLIENT_DISCONNECTED = 499  # For the log only: nobody is there to read it.


class Reply(Response):
    """A JSON answer, sent when it is ready.

    Nothing is sent until there are bytes to send, so that an early fault has its own status, or
    until `idle_seconds` have passed. A later fault breaks off the connection, so that the answer
    does not look complete.
    """

    media_type = "application/json"
    keep_alive = b" "  # White space before a JSON value is not part of it.
    idle_seconds = 120.0  # API Gateway closes a stream that is idle for 300 s.
    streams = False

    def __init__(self, body: AsyncGenerator[bytes]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._chunks = body

    def fault(self, error: ProxyError) -> bytes | None:
        """Return the bytes that report a fault in an answer that has begun, if any can."""
        del error
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; cancel it when the client disconnects."""
        request = Request(scope)
        record = Record.of(request)
        record.stream = self.streams
        writer = _Writer(
            send,
            request.state.send_body,
            {"status": self.status_code, "headers": self.raw_headers},
        )
        pump = asyncio.create_task(self._pump(writer, RequestContext.of(request).deadline))
        beside = (
            asyncio.create_task(_disconnected(receive)),
            asyncio.create_task(self._keep_alive(writer)),
        )
        try:
            await asyncio.wait((pump, beside[0]), return_when=asyncio.FIRST_COMPLETED)
            disconnected = not pump.done()
        finally:
            await _cancel(pump, *beside)
        if disconnected:
            record.status = CLIENT_DISCONNECTED
        else:
            await self._finish(pump, writer, record)

    async def _pump(self, writer: "_Writer", deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline), aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    await writer.write(chunk)
        except TimeoutError:
            raise EndpointError("timeout") from None

    async def _keep_alive(self, writer: "_Writer") -> None:
        while True:
            writer.idle = True
            await asyncio.sleep(self.idle_seconds)
            if writer.idle:
                await writer.write(self.keep_alive)

    async def _finish(self, pump: asyncio.Task[None], writer: "_Writer", record: Record) -> None:
        try:
            pump.result()
        except (
            Exception
        ) as error:  # whatever it is, the client must see that the answer is incomplete
            if not writer.begun:
                raise
            record.fail(error)
            known = error if isinstance(error, ProxyError) else ProxyError("internal_error")
            last = self.fault(known)
            if last is None:
                return
            await writer.write(last)
        await writer.end()


class EventStream(Reply):
    """Server-sent events; a fault in mid-stream is sent as the last event."""

    media_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"
    idle_seconds = 10.0
    streams = True

    def __init__(self, body: AsyncGenerator[bytes], *, tgi: bool = False) -> None:
        super().__init__(body)
        self.headers["cache-control"] = "no-cache"
        self.headers["x-accel-buffering"] = "no"
        self._tgi = tgi

    def fault(self, error: ProxyError) -> bytes:
        """Return the error as an event."""
        return b"data: " + error_body(error, tgi=self._tgi) + b"\n\n"


class _Writer:
    """One response, to which the answer and the keep-alive both write.

    `send_body` is the server's own: what is between changes the response's start only, and a token
    need not pass it.
    """

    def __init__(self, send: Send, send_body: Send, start: dict[str, object]) -> None:
        self._send = send
        self._send_body = send_body
        self._start = {"type": "http.response.start", **start}
        self._lock = asyncio.Lock()
        self._started = False
        self.begun = False
        self.idle = True

    async def write(self, chunk: bytes) -> None:
        self.idle = False
        if not self._started:
            await self._begin()
        await self._send_body({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        await self._send_body({"type": "http.response.body", "body": b""})

    async def _begin(self) -> None:
        async with self._lock:
            if not self.begun:
                self.begun = True
                await self._send(self._start)
            self._started = True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
