"""HTTP/1.1 to one host over kept connections; closing a response in the middle cancels it."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import h11

CONNECT_SECONDS = 5
# Wall-clock time, which passes while Lambda freezes the process: then the peer has long closed.
KEPT_SECONDS = 20
_READ_BYTES = 65_536

Headers = Sequence[tuple[str, str]]

# Raised when the peer breaks off or does not speak HTTP.
BROKEN = (OSError, EOFError, h11.RemoteProtocolError)


class Connection:
    """One connection, which serves one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._kept_since = 0.0

    async def post(self, target: str, headers: Headers, body: bytes) -> h11.Response:
        """Send a request and return the head of its response."""
        request = h11.Request(method="POST", target=target, headers=list(headers))
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        self._writer.write(b"".join(self._http.send(part) or b"" for part in parts))
        await self._writer.drain()
        while not isinstance(event := await self._event(), h11.Response):
            pass
        return event

    async def read(self) -> bytes:
        """Return the next part of the response's body, empty at its end."""
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def renew(self) -> bool:
        """Prepare for the next request; return False unless the response was read to its end."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._kept_since = time.time()
            return True
        return False

    @property
    def alive(self) -> bool:
        """Whether the peer has not closed it, as far as is known."""
        return not self._reader.at_eof() and not self._writer.is_closing()

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
        self._writer.transport.abort()

    async def _event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event


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
        async with asyncio.timeout(CONNECT_SECONDS):
            streams = await asyncio.open_connection(self._name, self._port, ssl=self._tls)
        return Connection(*streams)
