"""hypercorn's connections: they end when a client stops reading, and tell of one that disconnects.

API Gateway ends a stream that is idle for five minutes; a laptop has fewer connections to spare.
"""

import asyncio
import socket
import struct
from contextvars import ContextVar

from hypercorn.asyncio import run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, RawData

from embedded_aws.core.emulator import Json
from embedded_aws.core.gate import Application, Receive, Send

STALLED_SECONDS = 60.0
_SEND_BUFFER_BYTES = 262_144
_QUEUED_MESSAGES = 8

# Set when the client of the current request has disconnected.
client_gone: ContextVar[asyncio.Event] = ContextVar("client_gone")


class Connection(TCPServer):
    """A connection that costs a slow client the kernel's buffer and one chunk, then is cut off."""

    async def run(self) -> None:
        """Serve the connection; a write takes until the kernel has taken all of it."""
        self.writer.transport.set_write_buffer_limits(0)
        self._socket_option(socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        await super().run()

    async def protocol_send(self, event: Event) -> None:
        """Send, or disconnect a client that does not read."""
        if not isinstance(event, RawData):
            await super().protocol_send(event)
            return
        if self.writer.transport.is_closing():
            await asyncio.sleep(0)  # the application is about to be told
            return
        stalled = self.loop.call_later(STALLED_SECONDS, self._reset)
        try:
            await super().protocol_send(event)
        finally:
            stalled.cancel()

    def _reset(self) -> None:
        # A close would wait until the client has read what is left.
        self._socket_option(socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def _socket_option(self, option: int, value: int | bytes) -> None:
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, value)


def watched(application: Application) -> Application:
    """Serve `application`, and tell it by `client_gone` of a client that disconnects meanwhile."""

    async def serve(scope: Json, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        gone = asyncio.Event()
        client_gone.set(gone)
        messages: asyncio.Queue[Json] = asyncio.Queue(_QUEUED_MESSAGES)

        async def watch() -> None:
            while not gone.is_set():
                message = await receive()
                if message["type"] == "http.disconnect":
                    gone.set()
                await messages.put(message)

        watching = asyncio.create_task(watch())
        try:
            await application(scope, messages.get, send)
        finally:
            watching.cancel()

    return serve


def install() -> None:
    """Let hypercorn serve its connections so."""
    vars(run)["TCPServer"] = Connection
