"""What the benchmarks' servers share: HTTP requests in, chunks out, no framework in between."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable


class Connection(asyncio.Protocol, ABC):
    """One connection: a request, then its answer, then the next request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with an empty request."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server's
        self.transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        """Read until a request is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if found and len(body) >= int(length or 0):
            self._received = b""
            self.answer(head, body)

    @abstractmethod
    def answer(self, head: bytes, body: bytes) -> None:
        """Answer a whole request."""

    def write(self, data: bytes) -> None:
        """Write to a client that is still there."""
        if not self.transport.is_closing():
            self.transport.write(data)


def chunk(data: bytes) -> bytes:
    """Return a chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(connection: Callable[[], Connection], port: int) -> None:
    """Serve until the process ends."""
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port)
    await server.serve_forever()
