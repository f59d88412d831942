"""HTTP/1.1 to one host over kept connections; closing a response in the middle cancels it."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

import httptools

CONNECT_SECONDS = 5
# Wall-clock time, which passes while Lambda freezes the process: then the peer has long closed.
KEPT_SECONDS = 20
# Received at once, and all that may be unread before the peer waits. What has come is parsed at
# once, so all connections share the one buffer.
_RECEIVED = memoryview(bytearray(16_384))

_FRAMES = frozenset({b"content-length", b"transfer-encoding"})

Headers = Sequence[tuple[str, str]]

_NO_HTTP = (httptools.HttpParserError, httptools.HttpParserUpgrade)
# Raised when the peer breaks off or does not speak HTTP.
BROKEN = (OSError, EOFError, *_NO_HTTP)


class Connection(asyncio.BufferedProtocol):
    """One connection, which serves one request at a time."""

    def __init__(self) -> None:
        self.status = 0  # Of the response, whose headers are here by their lower-case names.
        self.headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._unread_bytes = 0
        self._head_read = self._complete = self._keeps = False
        self._kept_since = 0.0
        self._broken: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def post(self, target: str, headers: Headers, body: bytes) -> int:
        """Send a request and return the status of its response, once its headers have come."""
        self._parser = httptools.HttpResponseParser(self)
        self._head_read = self._complete = False
        self.headers = {}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self._transport.write(f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
        while not self._head_read:
            await self._news()
        return self.status

    async def read(self) -> bytes:
        """Return what has come of the response's body, empty at its end."""
        while not self._body:
            if self._complete:
                return b""
            await self._news()
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        if self._unread_bytes >= len(_RECEIVED):
            self._transport.resume_reading()
        self._unread_bytes = 0
        return body

    def renew(self) -> bool:
        """Prepare for the next request; return False unless the response was read to its end."""
        if not (self._complete and self._keeps) or self._body:
            return False
        self._kept_since = time.time()
        return True

    @property
    def alive(self) -> bool:
        """Whether the peer has not closed it, as far as is known."""
        return self._broken is None and not self._transport.is_closing()

    @property
    def kept(self) -> bool:
        """Whether it has served a request before, so that the peer may be about to close it."""
        return self._kept_since > 0

    @property
    def fresh(self) -> bool:
        """Whether it has not been kept for too long."""
        return 0 <= time.time() - self._kept_since < KEPT_SECONDS

    def close(self) -> None:
        """Close at once, which the peer sees as a disconnect."""
        self._transport.abort()

    # What asyncio calls.

    def connection_made(  # type: ignore[override] # as it is for TCP
        self, transport: asyncio.Transport
    ) -> None:
        """Begin."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what comes."""
        del sizehint
        return _RECEIVED

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what has come; what nobody asked for ends the connection."""
        try:
            self._parser.feed_data(_RECEIVED[:nbytes])
        except _NO_HTTP as error:
            self._broken = error
            self.close()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the response, if only the connection's end does; else it is broken."""
        self._complete = self._complete or (self._head_read and not _FRAMES & self.headers.keys())
        self._broken = self._broken or exc or EOFError("the peer has closed the connection")
        self._wake()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Refuse a response beyond the one that was asked for, which makes the parser stop."""
        if self._complete:
            raise EOFError("the peer sends what nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note the status."""
        self.status = self._parser.get_status_code()
        self._head_read = self.status >= HTTPStatus.OK

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body; let the peer wait once too much of it is unread."""
        self._body.append(body)
        self._unread_bytes += len(body)
        if self._unread_bytes >= len(_RECEIVED):
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end, but for an interim response's."""
        self._complete = self._head_read
        self._keeps = self._parser.should_keep_alive()  # The parser forgets it afterwards.

    def _news(self) -> asyncio.Future[None]:
        """Return what is done at the next news of the response; raise what broke the connection."""
        if self._broken:
            raise self._broken
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


class Host:
    """The connections to one host."""

    def __init__(self, url: str, ca_file: str) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if secure else 80)
        self._tls = ssl.create_default_context(cafile=ca_file) if secure else None
        self._idle: deque[Connection] = deque()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Lend a connection; keep it if its response was read to the end."""
        connection = self._kept() or await self._open()
        try:
            yield connection
        finally:
            if connection.alive and connection.renew():
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.alive and connection.fresh:
                return connection
            connection.close()
        return None

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, connection = await loop.create_connection(
                Connection, self._name, self._port, ssl=self._tls
            )
        return connection
