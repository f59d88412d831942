"""A client's connection, with time limits for sending a request and for reading the answer."""

import asyncio
import socket
import struct
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Keys of the ASGI state: the application sets how long a client may take; this module sets
# whether a client took longer.
CLIENT_TIMEOUT = "client_timeout_seconds"
CLIENT_STALLED = "client_stalled"

_SEND_BUFFER_BYTES = 65_536


class ClientConnection(HttpToolsProtocol):
    """uvicorn's connection, with a time limit for receiving each request and sending each chunk.

    An answer that the client does not read takes the kernel's send buffer and one chunk, however
    long it is: the application waits, and so do SageMaker and the model. When the limit passes, the
    connection is aborted, because a close would wait for the client to read the rest.
    """

    def connection_made(  # type: ignore[override] # as uvicorn narrows it
        self, transport: asyncio.Transport
    ) -> None:
        """Start waiting for a request."""
        super().connection_made(transport)
        self._request_limit, self._write_limit = (
            _Limit(self.loop, self.app_state[CLIENT_TIMEOUT], self._abort) for _ in range(2)
        )
        # Writing pauses when the send buffer is full, and resumes when it is empty.
        transport.set_write_buffer_limits(0)
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES
        )
        self._request_limit.start()

    def on_message_begin(self) -> None:
        """Receive a request, which must be complete in time."""
        super().on_message_begin()
        self._request_limit.start()

    def on_message_complete(self) -> None:
        """Stop waiting for the request."""
        super().on_message_complete()
        self._request_limit.stop()

    def pause_writing(self) -> None:
        """Start waiting for the client to read."""
        super().pause_writing()
        self._write_limit.start()

    def resume_writing(self) -> None:
        """Resume: the client has read."""
        super().resume_writing()
        self._write_limit.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._request_limit.stop()
        self._write_limit.stop()
        super().connection_lost(exc)

    def _abort(self) -> None:
        if self.cycle:
            self.cycle.scope["state"][CLIENT_STALLED] = True
        # A reset: the kernel would keep offering its buffer to a client that does not read.
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.transport.abort()


class _Limit:
    """A timer that calls `passed` unless it is stopped in time."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, passed: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._passed = passed
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._passed)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
